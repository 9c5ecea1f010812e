// The streams of zeroth-order noise (docs/replay-log.md): word n of a stream of a tensor under a key is lane n % 4 of Philox4x32-10 at
// counter (n / 4, tensor, 0, stream). Streams: 0 signs, 1 rounding, 2 counts, 3 and 4 the factors of low-rank noise.
//#import philox
fn zo_block(key: vec2<u32>, tensor: u32, stream: u32, block: u32) -> vec4<u32> {
  return philox(vec4<u32>(block, tensor, 0u, stream), key);
}
fn zo_word(key: vec2<u32>, tensor: u32, stream: u32, n: u32) -> u32 {
  let b = zo_block(key, tensor, stream, n / 4u);
  let xy = select(b.x, b.y, (n & 1u) == 1u);
  let zw = select(b.z, b.w, (n & 1u) == 1u);
  return select(xy, zw, (n & 2u) == 2u);
}
