// y = gamma * x * rstd, rstd = 1 / sqrt(mean(x^2) + eps), each row by itself (Zhang and Sennrich 2019, eq. 4).
// x, y: [rows, d]; gamma: [d]; rstd: [rows], kept for backward; d = 4 d4.
// PAIR: gamma is [2, d]; row r takes row r / per (perturbed gains of zeroth-order training).
// Grid: one workgroup a row, 2-D over 32768. f32 accumulation, a fixed tree. y and rstd are =.
//#const WG 64
//#const PAIR 0
//#instance WG=8
//#instance PAIR=1
//#instance PAIR=1 WG=8
//#import reduce
//#if PAIR
struct P { rows: u32, d4: u32, eps: f32, per: u32 }
//#else
struct P { rows: u32, d4: u32, eps: f32 }
//#end
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gamma: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = w.y * 32768u + w.x;
  if (row >= p.rows) { return; }
  let r0 = row * p.d4;
//#if PAIR
  let v0 = row / p.per * p.d4;
//#else
  let v0 = 0u;
//#end
  var s = vec4<f32>(0.0);
  for (var c = t; c < p.d4; c += ${WG}u) { let v = x[r0 + c]; s += v * v; }
  let r = 1.0 / sqrt(reduce_sum(t, (s.x + s.y) + (s.z + s.w)) / f32(4u * p.d4) + p.eps);
  if (t == 0u) { rstd[row] = r; }
  for (var c = t; c < p.d4; c += ${WG}u) { y[r0 + c] = gamma[v0 + c] * (r * x[r0 + c]); }
}
