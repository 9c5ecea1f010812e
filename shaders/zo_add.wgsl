// w = w + a z: the update of zeroth-order training (MeZO, 2305.17333, algorithm 1), one addition an element, so that every adapter and the
// host come to the same bits. a: scalar 0 in the header of z, made by the host; z: from kernel zo_noise, in the order in which w lies.
// BF16: the sum x of an element is rounded to bf16 up or down by chance, (bits(x) + r) >> 16 with 16 bits r of stream 1: rounding to the
// nearest would lose most updates. Element 4 i + j is e = e0 + 4 i + j of the tensor, or transposed (T) e0 + (4 i + j) % ld * cols +
// (4 i + j) / ld. SPARSE: only where |w| is at most the threshold in the header.
// w: [4 w0 + n], n = 4 n4; the first 4 w0 elements are left alone: z may be the noise of some of the rows.
// Grid: 2-D over 32768 workgroups, a thread for each vec4, or (MANY, for software adapters, where loads of noise and blocks of random bits
// cost what the weights cost) for 8 that follow each other: what they need alike is made once. BF16 with MANY wants e0 % 8 == 0;
// with T the 8 stand beside each other in a row, and n4 = cols * ld / 4, cols % 8 == 0. MAKE: the noise, of KIND 1, is made here and not
// read from z (shared/zo_made.wgsl); with MANY, f32, a thread has 32 vec4 then, one block of noise, and wants e0 % 128 == 0. w is +=.
//#const WG 64
//#const NOISE 1
//#const BF16 0
//#const T 0
//#const SPARSE 0
//#const MANY 0
//#const MAKE 0
//#instance NOISE=2
//#instance SPARSE=1
//#instance BF16=1
//#instance BF16=1 T=1
//#instance BF16=1 NOISE=2 WG=8
//#instance WG=8
//#instance MANY=1
//#instance MANY=1 NOISE=2 SPARSE=1
//#instance MANY=1 BF16=1
//#instance MANY=1 BF16=1 T=1
//#instance MAKE=1
//#instance MAKE=1 MANY=1 SPARSE=1
//#instance MAKE=1 MANY=1 BF16=1
//#if MANY
// gpucheck: skip=all (for software adapters)
//#end
//#import zo_gen
//#import bad
struct P { n4: u32, tensor: u32, cols: u32, ld: u32, e0: u32, w0: u32 }
//#if BF16
@group(0) @binding(0) var<storage, read_write> w: array<vec2<u32>>;
//#else
@group(0) @binding(0) var<storage, read_write> w: array<vec4<f32>>;
//#end
@group(0) @binding(2) var<uniform> p: P;
//#if MAKE
@group(0) @binding(1) var<storage, read> zo: array<u32>;
//#import zo_made
//#else
@group(0) @binding(1) var<storage, read> z: array<u32>;
//#import zo
fn zo_key() -> vec2<u32> { return vec2<u32>(z[2], z[3]); }
//#end

//#if BF16
fn rounded(x: f32, r: u32) -> u32 {
  let b = bitcast<u32>(x);
  return select(b + r, b, bad(x)) >> 16u;
}
// moves the i-th four elements by n, with 16 bits each in r
fn move4(i: u32, n: vec4<f32>, r: vec4<u32>) {
  let u = w[p.w0 + i];
  let x = shifted(bitcast<vec4<f32>>(vec4<u32>(u.x << 16u, u.x & 0xffff0000u, u.y << 16u, u.y & 0xffff0000u)), n);
  w[p.w0 + i] = vec2<u32>(rounded(x.x, r.x) | (rounded(x.y, r.y) << 16u), rounded(x.z, r.z) | (rounded(x.w, r.w) << 16u));
}
// 16 bits for each of 8 elements, of which the block's first is number 8 n
fn bits(n: u32) -> vec4<u32> { return zo_block(zo_key(), p.tensor, 1u, n); }
fn halves(h: vec2<u32>) -> vec4<u32> { return vec4<u32>(h.x & 0xffffu, h.x >> 16u, h.y & 0xffffu, h.y >> 16u); }
// the 16 bits of element e
fn bits16(e: u32) -> u32 {
  let h = zo_word(zo_key(), p.tensor, 1u, e / 2u);
  return select(h & 0xffffu, h >> 16u, (e & 1u) == 1u);
}
//#end

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) g: vec3<u32>) {
  let i = (g.y * 32768u + g.x) * ${WG}u + t;
//#if !MANY
  if (i >= p.n4) { return; }
  zo_start(0u);
//#if !BF16
  w[p.w0 + i] = shifted(w[p.w0 + i], zo4(i));
//#end
//#if BF16 && !T
  let e = p.e0 + 4u * i;
  let h = bits(e / 8u);
  move4(i, zo4(i), halves(select(h.xy, h.zw, vec2<bool>((e & 4u) == 4u))));
//#end
//#if BF16 && T
  let e = p.e0 + ((4u * i) % p.ld) * p.cols + (4u * i) / p.ld;
  move4(i, zo4(i), vec4<u32>(bits16(e), bits16(e + p.cols), bits16(e + 2u * p.cols), bits16(e + 3u * p.cols)));
//#end
//#end
//#if MANY && MAKE && !BF16
  if (32u * i >= p.n4) { return; }
  zo_start(0u);
  var h = zo_block(zo_key(), p.tensor, 0u, p.e0 / 128u + i);
  for (var i0 = 32u * i; i0 < min(32u * i + 32u, p.n4); i0 += 8u) {
//#for j 0 8
    if (i0 + ${j}u < p.n4) { w[p.w0 + i0 + ${j}u] = shifted(w[p.w0 + i0 + ${j}u], zo_signs(h.x >> ${4*j}u)); }
//#end
    h = h.yzwx;
  }
//#end
//#if MANY && !MAKE && !BF16
  let i0 = 8u * i;
  if (i0 >= p.n4) { return; }
  zo_start(0u);
//#if NOISE == 1
  let h = z[8u + i];
//#end
//#for j 0 8
  if (i0 + ${j}u < p.n4) {
//#if NOISE == 1
    w[p.w0 + i0 + ${j}u] = shifted(w[p.w0 + i0 + ${j}u], zo_signs(h >> ${4*j}u));
//#else
    w[p.w0 + i0 + ${j}u] = shifted(w[p.w0 + i0 + ${j}u], zo4(i0 + ${j}u));
//#end
  }
//#end
//#end
//#if MANY && BF16 && !T
  let i0 = 8u * i;
  if (i0 >= p.n4) { return; }
  zo_start(0u);
//#if NOISE == 1
//#if MAKE
  var s = zo_word(zo_key(), p.tensor, 0u, p.e0 / 32u + i);
//#else
  var s = z[8u + i];
//#end
//#end
  for (var q = i0; q < min(i0 + 8u, p.n4); q += 2u) {
    let h = bits((p.e0 + 4u * q) / 8u);
//#if NOISE == 1
    move4(q, zo_signs(s), halves(h.xy));
    if (q + 1u < p.n4) { move4(q + 1u, zo_signs(s >> 4u), halves(h.zw)); }
    s = s >> 8u;
//#else
    move4(q, zo4(q), halves(h.xy));
    if (q + 1u < p.n4) { move4(q + 1u, zo4(q + 1u), halves(h.zw)); }
//#end
  }
//#end
//#if MANY && BF16 && T
  if (8u * i >= p.n4) { return; }
  zo_start(0u);
  let per = p.ld / 4u;
  let e = (p.e0 + 4u * (i % per) * p.cols) / 8u + i / per;
  let a = bits(e);
  let b = bits(e + p.cols / 8u);
  let c = bits(e + p.cols / 4u);
  let d = bits(e + p.cols / 8u * 3u);
  let q = (i / per) * 8u * per + i % per;
//#for j 0 4
  move4(q + ${2*j}u * per, zo4(q + ${2*j}u * per), vec4<u32>(a[${j}], b[${j}], c[${j}], d[${j}]) & vec4<u32>(0xffffu));
  move4(q + ${2*j+1}u * per, zo4(q + ${2*j+1}u * per), vec4<u32>(a[${j}], b[${j}], c[${j}], d[${j}]) >> vec4<u32>(16u));
//#end
//#end
}
