// dx = rstd * (g - x * rstd^2 * mean(g * x)), g = gamma * dy: the gradient of rms_norm by its input.
// x, dy, dx: [rows, d]; gamma: [d]; rstd: [rows] from forward; d = 4 d4.
// Grid: one workgroup a row, 2-D over 32768. f32 accumulation, a fixed tree. dx is =.
//#const WG 64
//#instance WG=8
//#import reduce
struct P { rows: u32, d4: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gamma: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = w.y * 32768u + w.x;
  if (row >= p.rows) { return; }
  let r0 = row * p.d4;
  var s = vec4<f32>(0.0);
  for (var c = t; c < p.d4; c += ${WG}u) { s += gamma[c] * dy[r0 + c] * x[r0 + c]; }
  let r = rstd[row];
  let k = reduce_sum(t, (s.x + s.y) + (s.z + s.w)) / f32(4u * p.d4) * r * r;
  for (var c = t; c < p.d4; c += ${WG}u) { dx[r0 + c] = r * (gamma[c] * dy[r0 + c] - k * x[r0 + c]); }
}
