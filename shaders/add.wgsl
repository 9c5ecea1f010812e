// y = a + c * b, elementwise (c = 1 is the residual sum, c = -1 a difference).
// a, b, y: [n] with n % 4 == 0. Grid: one thread a vec4, 2-D over 32768 workgroups. y is =.
//#const WG 64
//#instance WG=8
struct P { n4: u32, c: f32 }
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i < p.n4) { y[i] = a[i] + p.c * b[i]; }
}
