// dg = dy * u * silu'(g), du = dy * silu(g): the gradient of swiglu.
// g, u, dy, dg, du: [n], n = 4 n4. Grid: one thread a vec4, 2-D over 32768 workgroups. dg and du are =.
//#const WG 64
//#const ACT 5
//#instance WG=8
//#import activation
struct P { n4: u32 }
@group(0) @binding(0) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> u: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dg: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> du: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i < p.n4) {
    let x = g[i];
    let d = dy[i];
    let s = sigmoid4(x);
    dg[i] = d * u[i] * (s * (vec4<f32>(1.0) + x * (vec4<f32>(1.0) - s)));
    du[i] = d * (x * s);
  }
}
