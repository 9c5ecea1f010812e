// y[b] = the sum of the rows of block b of x (`per` rows each): the gradient of a bias, and of what partial sums are left to add.
// x: [rows, ld]; y: [ceil(rows / per), ld]; ld = 4 ld4, of which the first 4 n4 columns are summed and written.
// Grid: one thread a vec4 column, (ceil(n4 / WG), blocks). f32 accumulation in the order of the rows. y is =, with ACC +=.
//#const WG 64
//#const ACC 0
//#instance WG=8
//#instance ACC=1
//#instance ACC=1 WG=8
struct P { rows: u32, n4: u32, ld4: u32, per: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let c = w.x * ${WG}u + t;
  if (c >= p.n4) { return; }
  let first = w.y * p.per;
  let end = min(first + p.per, p.rows);
  var s = vec4<f32>(0.0);
  for (var r = first; r < end; r += 1u) { s += x[r * p.ld4 + c]; }
//#if ACC
  s += y[w.y * p.ld4 + c];
//#end
  y[w.y * p.ld4 + c] = s;
}
