// loss = weight * (pred - targets)^2, elementwise, and 0 where weight is 0 (a missing target, which may be NaN).
// pred, targets, weight, loss: [n]. Grid: one thread an element, 2-D over 32768 workgroups. loss is =.
//#const WG 64
//#instance WG=8
struct P { n: u32 }
@group(0) @binding(0) var<storage, read> pred: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i >= p.n) { return; }
  let e = pred[i] - targets[i];
  loss[i] = select(weight[i] * e * e, 0.0, weight[i] == 0.0);
}
