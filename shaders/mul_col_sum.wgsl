// y[b, c] = sum of x[r, c] * dy[r, c] over the rows r of block b, which are b * per .. b * per + per - 1 below rows.
// This is the gradient of v in mul_vec; col_sum adds the blocks up.
// x, dy: [rows, d], y: [blocks, d], d % 4 == 0, n4 = d / 4. Grid: one thread a vec4 column, (ceil(n4 / WG), blocks, 1).
// f32 accumulation in the order of the rows. y is =.
//#const WG 64
//#instance WG=8
struct P { rows: u32, n4: u32, per: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let c = w.x * ${WG}u + t;
  if (c >= p.n4) { return; }
  let end = min(w.y * p.per + p.per, p.rows);
  var s = vec4<f32>(0.0);
  for (var r = w.y * p.per; r < end; r += 1u) {
    let i = r * p.n4 + c;
    s += x[i] * dy[i];
  }
  y[w.y * p.n4 + c] = s;
}
