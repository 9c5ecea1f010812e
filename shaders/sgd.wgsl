// One step of SGD with momentum (Sutskever et al. 2013) and weight decay, in PyTorch's form with dampening 0:
//   g' = clip[1] * g + wd * p;  buf = mu * buf + g';  p -= lr * (g' + mu * buf if nesterov, else buf)
// with lr = lr_scale * hyper[0]. buf begins as zeros. MOM 0 has no buf: p -= lr * g', and mu and nesterov have no effect.
// Where clip[1] is NaN or infinite (a gradient overflowed) nothing is changed.
// p, buf, g: [n] with n % 4 == 0; hyper: [8]; clip: [2]. Grid: one thread a vec4, 2-D over 32768 workgroups. p and buf are updated.
//#const WG 64
//#const MOM 1
//#instance WG=8
//#instance MOM=0
//#instance MOM=0 WG=8
//#import bad
struct P { n4: u32, mu: f32, wd: f32, lr_scale: f32, nesterov: u32 }
@group(0) @binding(0) var<storage, read_write> p: array<vec4<f32>>;
//#if MOM
@group(0) @binding(1) var<storage, read_write> buf: array<vec4<f32>>;
//#end
@group(0) @binding(2) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> hyper: array<f32>;
@group(0) @binding(4) var<storage, read> clip: array<f32>;
@group(0) @binding(5) var<uniform> u: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  let c = clip[1];
  if (i >= u.n4 || bad(c)) { return; }
  let p1 = p[i];
  var d = c * g[i] + u.wd * p1;
//#if MOM
  let b = u.mu * buf[i] + d;
  buf[i] = b;
  if (u.nesterov != 0u) { d += u.mu * b; } else { d = b; }
//#end
  p[i] = p1 - (u.lr_scale * hyper[0]) * d;
}
