// y[b, j] = sum over the rows of block b of x[i, j], for rows of any length, one thread a column.
// x: [rows, n]; y: [blocks, n], blocks of per rows. Grid: (ceil(n / WG), blocks, 1). f32 sums in the order of rows; y is =.
//#const WG 64
//#instance WG=8
struct P { rows: u32, n: u32, per: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let j = w.x * ${WG}u + t;
  if (j >= p.n) { return; }
  let to = min(p.rows, (w.y + 1u) * p.per);
  var s = 0.0;
  for (var i = w.y * p.per; i < to; i += 1u) { s += x[i * p.n + j]; }
  y[w.y * p.n + j] = s;
}
