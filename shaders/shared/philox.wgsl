// Philox4x32-10 (Salmon et al. 2011): four random words from a counter and a key, by integers alone, so alike on every adapter.
// WGSL has no 64-bit product: its high word is put together from 16-bit halves.
fn mulhi(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let hl = ah * bl;
  let m = ((al * bl) >> 16u) + (hl & 0xffffu) + al * bh;
  return ah * bh + (hl >> 16u) + (m >> 16u);
}
fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var k = key;
  for (var r = 0u; r < 10u; r += 1u) {
    c = vec4<u32>(mulhi(0xcd9e8d57u, c.z) ^ c.y ^ k.x, 0xcd9e8d57u * c.z, mulhi(0xd2511f53u, c.x) ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k = k + vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
