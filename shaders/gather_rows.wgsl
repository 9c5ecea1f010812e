// y[r] = x[idx[r]]: rows by number.
// x: [any, d], idx: u32[rows], each below x's rows, y: [rows, d], d % 4 == 0, d4 = d / 4. Grid: one workgroup a row. y is =.
//#const WG 64
//#instance WG=8
struct P { rows: u32, d4: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> idx: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let r = w.y * 32768u + w.x;
  if (r >= p.rows) { return; }
  let first = idx[r] * p.d4;
  for (var c = t; c < p.d4; c += ${WG}u) { y[r * p.d4 + c] = x[first + c]; }
}
