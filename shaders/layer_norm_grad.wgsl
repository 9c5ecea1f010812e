// dx = rstd * (g - mean(g) - xhat * mean(g * xhat)), g = gamma * dy, xhat = (x - mean) * rstd: layer_norm's gradient by its input.
// x, dy, dx: [rows, d]; gamma: [d]; stats: [rows, 2] = (mean, rstd) from forward; d = 4 d4.
// Grid: one workgroup a row, 2-D over 32768. f32 accumulation, a fixed tree. dx is =.
//#const WG 64
//#instance WG=8
//#import reduce
struct P { rows: u32, d4: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gamma: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = w.y * 32768u + w.x;
  if (row >= p.rows) { return; }
  let r0 = row * p.d4;
  let n = f32(4u * p.d4);
  let st = stats[row];
  let mean = vec4<f32>(st.x);
  var s = vec4<f32>(0.0);
  var q = vec4<f32>(0.0);
  for (var c = t; c < p.d4; c += ${WG}u) {
    let g = gamma[c] * dy[r0 + c];
    s += g;
    q += g * (st.y * (x[r0 + c] - mean));
  }
  let a = vec4<f32>(reduce_sum(t, (s.x + s.y) + (s.z + s.w)) / n);
  workgroupBarrier();
  let b = reduce_sum(t, (q.x + q.y) + (q.z + q.w)) / n;
  for (var c = t; c < p.d4; c += ${WG}u) {
    dx[r0 + c] = st.y * (gamma[c] * dy[r0 + c] - a - b * (st.y * (x[r0 + c] - mean)));
  }
}
