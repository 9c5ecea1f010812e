// w = w + a z: the update of zeroth-order training (MeZO, 2305.17333, algorithm 1), one addition an element, so that every adapter and the
// host come to the same bits. a: scalar 0 in the header of z, made by the host; z: from kernel zo_noise, in the order in which w lies.
// BF16: the sum x of an element is rounded to bf16 up or down by chance, (bits(x) + r) >> 16 with 16 bits r of stream 1: rounding to the
// nearest would lose most updates. Element 4 i + j is e = row0 * cols + 4 i + j of the tensor, or transposed (T) that of row
// row0 + (4 i + j) % ld, column (4 i + j) / ld. SPARSE: only where |w| is at most the threshold in the header.
// w: [4 w0 + n], n = 4 n4; the first 4 w0 elements are left alone: z may be the noise of some of the rows. Grid: one thread a vec4, 2-D over 32768 workgroups. w is +=.
//#const WG 64
//#const NOISE 1
//#const BF16 0
//#const T 0
//#const SPARSE 0
//#instance NOISE=2
//#instance SPARSE=1
//#instance BF16=1
//#instance BF16=1 T=1
//#instance BF16=1 NOISE=2 WG=8
//#instance WG=8
//#import zo_gen
//#import bad
struct P { n4: u32, tensor: u32, cols: u32, ld: u32, row0: u32, w0: u32 }
//#if BF16
@group(0) @binding(0) var<storage, read_write> w: array<vec2<u32>>;
//#else
@group(0) @binding(0) var<storage, read_write> w: array<vec4<f32>>;
//#end
@group(0) @binding(1) var<storage, read> z: array<u32>;
@group(0) @binding(2) var<uniform> p: P;
//#import zo

//#if BF16
fn rounded(x: f32, r: u32) -> u32 {
  let b = bitcast<u32>(x);
  return select(b + r, b, bad(x)) >> 16u;
}
// the 16 bits of element e, under the key in the header
fn bits16(e: u32) -> u32 {
  let h = zo_word(vec2<u32>(z[2], z[3]), p.tensor, 1u, e / 2u);
  return select(h & 0xffffu, h >> 16u, (e & 1u) == 1u);
}
//#end

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) g: vec3<u32>) {
  let i = (g.y * 32768u + g.x) * ${WG}u + t;
  if (i >= p.n4) { return; }
  zo_start(0u);
//#if BF16
  let u = w[p.w0 + i];
  let x = perturbed(bitcast<vec4<f32>>(vec4<u32>(u.x << 16u, u.x & 0xffff0000u, u.y << 16u, u.y & 0xffff0000u)), i);
//#if T
  let e = (p.row0 + (4u * i) % p.ld) * p.cols + (4u * i) / p.ld;
  let r = vec4<u32>(bits16(e), bits16(e + p.cols), bits16(e + 2u * p.cols), bits16(e + 3u * p.cols));
//#else
  let e = p.row0 * p.cols + 4u * i;
  let h = zo_block(vec2<u32>(z[2], z[3]), p.tensor, 1u, e / 8u);
  let k = select(h.xy, h.zw, vec2<bool>((e & 4u) == 4u));
  let r = vec4<u32>(k.x & 0xffffu, k.x >> 16u, k.y & 0xffffu, k.y >> 16u);
//#end
  w[p.w0 + i] = vec2<u32>(rounded(x.x, r.x) | (rounded(x.y, r.y) << 16u), rounded(x.z, r.z) | (rounded(x.w, r.w) << 16u));
//#else
  w[p.w0 + i] = perturbed(w[p.w0 + i], i);
//#end
}
