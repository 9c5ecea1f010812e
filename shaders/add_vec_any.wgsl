// y[i, j] = x[i, j] + v[j] for rows of any length, one thread an element.
// x, y: [n] as rows of d; v: [d]. Grid: ceil(n / WG) workgroups, 2-D above 32768. y is =.
//#const WG 64
//#instance WG=8
struct P { n: u32, d: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i < p.n) { y[i] = x[i] + v[i % p.d]; }
}
