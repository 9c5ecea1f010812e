// y = gamma * (x - mean) * rstd + beta, rstd = 1 / sqrt(var(x) + eps), each row by itself (Ba et al. 2016, eq. 3).
// x, y: [rows, d]; gamma, beta: [d]; stats: [rows, 2] = (mean, rstd), kept for backward; d = 4 d4. The variance takes a second pass
// with the mean known: E[x^2] - mean^2 loses all digits when the mean is large.
// PAIR: gamma and beta are [2, d]; row r takes row r / per (perturbed gains of zeroth-order training).
// Grid: one workgroup a row, 2-D over 32768. f32 accumulation, a fixed tree. y and stats are =.
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
@group(0) @binding(2) var<storage, read> beta: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<uniform> p: P;

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
  let n = f32(4u * p.d4);
  var s = vec4<f32>(0.0);
  for (var c = t; c < p.d4; c += ${WG}u) { s += x[r0 + c]; }
  let mean = reduce_sum(t, (s.x + s.y) + (s.z + s.w)) / n;
  var q = vec4<f32>(0.0);
  for (var c = t; c < p.d4; c += ${WG}u) { let v = x[r0 + c] - vec4<f32>(mean); q += v * v; }
  workgroupBarrier();
  let r = 1.0 / sqrt(reduce_sum(t, (q.x + q.y) + (q.z + q.w)) / n + p.eps);
  if (t == 0u) { stats[row] = vec2<f32>(mean, r); }
  for (var c = t; c < p.d4; c += ${WG}u) { y[r0 + c] = gamma[v0 + c] * (r * (x[r0 + c] - vec4<f32>(mean))) + beta[v0 + c]; }
}
