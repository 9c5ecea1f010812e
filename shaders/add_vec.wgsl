// y[r, c] = x[r, c] + v[c]: one vector is added to every row (a bias that no matmul takes along).
// PAIR: v is [2, d] and vec4 i of y takes row i / per of it (perturbed vectors of zeroth-order training).
// x, y: [rows, d], v: [d], d % 4 == 0; n4 = rows * d / 4, d4 = d / 4. Grid: one thread a vec4, 2-D over 32768 workgroups. y is =.
//#const WG 64
//#const PAIR 0
//#instance WG=8
//#instance PAIR=1
//#if PAIR
struct P { n4: u32, d4: u32, per: u32 }
//#else
struct P { n4: u32, d4: u32 }
//#end
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
//#if PAIR
  let v0 = i / p.per * p.d4;
//#else
  let v0 = 0u;
//#end
  if (i < p.n4) { y[i] = x[i] + v[v0 + i % p.d4]; }
}
