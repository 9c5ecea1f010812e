// dp = 2 * (pred - targets) * weight * scale[0], elementwise, and 0 where weight is 0 (a missing target, which may be NaN).
// pred, targets, weight, dp: [n]; scale: [1], such as 1 / (number of targets). Grid: one thread an element, 2-D over 32768 workgroups. dp is =.
//#const WG 64
//#instance WG=8
struct P { n: u32 }
@group(0) @binding(0) var<storage, read> pred: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> dp: array<f32>;
@group(0) @binding(5) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i >= p.n) { return; }
  let d = 2.0 * (pred[i] - targets[i]) * weight[i] * scale[0];
  dp[i] = select(d, 0.0, weight[i] == 0.0);
}
