// y[i, j] = x[i, j] + v[j] for rows of any length, one thread an element.
// PAIR: v is two rows of d, each padded to a multiple of 4; element i of y takes row i / per of it (perturbed vectors of zeroth-order training).
// x, y: [n] as rows of d; v: [d]. Grid: ceil(n / WG) workgroups, 2-D above 32768. y is =.
//#const WG 64
//#const PAIR 0
//#instance WG=8
//#instance PAIR=1
//#if PAIR
struct P { n: u32, d: u32, per: u32 }
//#else
struct P { n: u32, d: u32 }
//#end
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
//#if PAIR
  let v0 = i / p.per * ((p.d + 3u) / 4u * 4u);
//#else
  let v0 = 0u;
//#end
  if (i < p.n) { y[i] = x[i] + v[v0 + i % p.d]; }
}
