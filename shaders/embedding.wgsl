// y[r] = table[ids[r] - lo] where lo <= ids[r] < hi; other rows of y stay as they are, so that a table may be split over dispatches.
// ids: [rows]; table: [hi - lo, d], f32 or (BF16) two bf16 to a word, the first in the low half; y: [rows, d]; d = 4 d4.
// NOISE 1, 2, 3: rows come perturbed, y = w + a z with noise of that KIND (zo_noise.wgsl) made here, a few rows of the whole; row r takes
// scalar r / per of the table zo. SPARSE: only where |w| is at most the tensor's threshold. For zeroth-order training (MeZO, 2305.17333).
// Grid: one workgroup a row, 2-D over 32768. No arithmetic. y is =.
//#const WG 64
//#const BF16 0
//#const NOISE 0
//#const SPARSE 0
//#instance WG=8
//#instance BF16=1
//#instance BF16=1 WG=8
//#instance NOISE=1
//#instance NOISE=1 BF16=1 WG=8
//#instance NOISE=2 SPARSE=1
//#instance NOISE=3
//#if NOISE
//#import zo_gen
struct P { rows: u32, d4: u32, lo: u32, hi: u32, tensor: u32, per: u32 }
@group(0) @binding(4) var<storage, read> zo: array<u32>;
//#else
struct P { rows: u32, d4: u32, lo: u32, hi: u32 }
//#end
@group(0) @binding(0) var<storage, read> ids: array<u32>;
//#if BF16
@group(0) @binding(1) var<storage, read> table: array<vec2<u32>>;
//#else
@group(0) @binding(1) var<storage, read> table: array<vec4<f32>>;
//#end
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

//#if NOISE
// w + a z for the c-th four elements of row id of the table
fn moved(w: vec4<f32>, id: u32, c: u32, a: f32) -> vec4<f32> {
  let key = vec2<u32>(zo[0], zo[1]);
  let e = 4u * (id * p.d4 + c);
//#if NOISE == 1
  let h = zo_word(key, p.tensor, 0u, e / 32u) >> (e % 32u);
  let n = bitcast<vec4<f32>>(((vec4<u32>(h) << vec4<u32>(31u, 30u, 29u, 28u)) & vec4<u32>(0x80000000u)) ^ vec4<u32>(bitcast<u32>(a)));
//#end
//#if NOISE == 2
  let n = a * vec4<f32>(bitcast<vec4<i32>>(countOneBits(zo_block(key, p.tensor, 2u, e / 4u))) - vec4<i32>(16));
//#end
//#if NOISE == 3
  let u = zo_word(key, p.tensor, 3u, id);
  let v = zo_block(vec2<u32>(zo[5], zo[6]), p.tensor, 4u, c);
  let m = zo[7];
  let b = countOneBits((v ^ vec4<u32>(u)) & vec4<u32>(m));
  let n = a * vec4<f32>(vec4<i32>(i32(countOneBits(m))) - 2 * bitcast<vec4<i32>>(b));
//#end
//#if SPARSE
  return select(w, w + n, abs(w) <= vec4<f32>(bitcast<f32>(zo[16u + p.tensor])));
//#else
  return w + n;
//#end
}
//#end

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = w.y * 32768u + w.x;
  if (row >= p.rows) { return; }
  let id = ids[row];
  if (id < p.lo || id >= p.hi) { return; }
  let src = (id - p.lo) * p.d4;
  let dst = row * p.d4;
//#if NOISE
  let a = bitcast<f32>(zo[2u + row / p.per]);
//#end
  for (var c = t; c < p.d4; c += ${WG}u) {
//#if BF16
    let u = table[src + c];
    let v = bitcast<vec4<f32>>(vec4<u32>(u.x << 16u, u.x & 0xffff0000u, u.y << 16u, u.y & 0xffff0000u));
//#else
    let v = table[src + c];
//#end
//#if NOISE
    y[dst + c] = moved(v, id, c, a);
//#else
    y[dst + c] = v;
//#end
  }
}
