// One step of AdamW (Loshchilov and Hutter 2019, algorithm 2), in PyTorch's form:
//   g' = clip[1] * g;  p -= lr * wd * p;  m = beta1 * m + (1 - beta1) * g';  v = beta2 * v + (1 - beta2) * g'^2
//   p -= lr * m * hyper[1] / (sqrt(v * hyper[2]) + eps)
// with lr = lr_scale * hyper[0], hyper[1] = 1 / (1 - beta1^t), hyper[2] = 1 / (1 - beta2^t): what changes from step to step lives in
// buffers, so that a recording can be replayed. Where clip[1] is NaN or infinite (a gradient overflowed) nothing is changed.
// p, m, v, g: [n] with n % 4 == 0; hyper: [8]; clip: [2]. Grid: one thread a vec4, 2-D over 32768 workgroups. p, m and v are updated.
//#const WG 64
//#instance WG=8
//#import bad
struct P { n4: u32, beta1: f32, beta2: f32, eps: f32, wd: f32, lr_scale: f32 }
@group(0) @binding(0) var<storage, read_write> p: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> m: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> hyper: array<f32>;
@group(0) @binding(5) var<storage, read> clip: array<f32>;
@group(0) @binding(6) var<uniform> u: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  let c = clip[1];
  if (i >= u.n4 || bad(c)) { return; }
  let lr = u.lr_scale * hyper[0];
  let d = c * g[i];
  let m1 = u.beta1 * m[i] + (1.0 - u.beta1) * d;
  let v1 = u.beta2 * v[i] + (1.0 - u.beta2) * d * d;
  m[i] = m1;
  v[i] = v1;
  let p1 = p[i];
  p[i] = p1 - lr * u.wd * p1 - (lr * hyper[1]) * m1 / (sqrt(v1 * hyper[2]) + vec4<f32>(u.eps));
}
