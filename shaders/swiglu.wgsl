// y = silu(g) * u, silu(g) = g * sigmoid(g): the gate of a Llama block (Shazeer 2020, eq. 6).
// g, u, y: [n], n = 4 n4. Grid: one thread a vec4, 2-D over 32768 workgroups. y is =.
//#const WG 64
//#const ACT 5
//#instance WG=8
//#import activation
struct P { n4: u32 }
@group(0) @binding(0) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i < p.n4) { y[i] = act4(g[i]) * u[i]; }
}
