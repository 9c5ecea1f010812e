// lse = max + log(sum), loss = lse - (1 - a) * z[label] - a / vocab * sum z: cross entropy against the label smoothed by a
// (Szegedy et al. 2016, section 7), from the rows' stats. A label >= vocab is ignored: its loss is 0, its lse stands.
// HIT also tells whether no logit is above z[label]: hit = 1 there, 0 elsewhere and where the label is ignored.
// stats: [rows, 4] of cross_entropy_stats; labels, loss, lse, hit: [rows]. Grid: one thread a row, 2-D over 32768 workgroups.
// loss, lse and hit are =.
//#const WG 64
//#const HIT 0
//#instance WG=8
//#instance HIT=1
//#instance HIT=1 WG=8
struct P { rows: u32, vocab: u32, smoothing: f32 }
@group(0) @binding(0) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> p: P;
//#if HIT
@group(0) @binding(5) var<storage, read_write> hit: array<f32>;
//#end

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = (w.y * 32768u + w.x) * ${WG}u + t;
  if (row >= p.rows) { return; }
  let s = stats[row];
  let l = s.x + log(s.y);
  lse[row] = l;
  let v = l - (1.0 - p.smoothing) * s.w - p.smoothing / f32(p.vocab) * s.z;
  loss[row] = select(0.0, v, labels[row] < p.vocab);
//#if HIT
  hit[row] = select(0.0, 1.0, labels[row] < p.vocab && s.w >= s.x);
//#end
}
