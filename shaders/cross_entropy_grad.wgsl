// dz[v] = (exp(z[v] - lse) - (1 - a) [v == label] - a / vocab) * scale[0], in place of a chunk of logits: the gradient of
// cross_entropy_loss, a being the smoothing. Rows whose label is >= vocab become 0.
// logits: [rows, ld], this chunk being the tokens v0 .. v0 + nc - 1; labels, lse: [rows]; scale: [1], e.g. 1 / tokens that count.
// V4 goes by vec4: ld % 4 == 0, columns nc .. ld - 1 become 0; else they stay. Grid: one workgroup a row, 2-D over 32768. logits is =.
//#const WG 64
//#const V4 0
//#instance WG=8
//#instance V4=1
//#instance V4=1 WG=8
struct P { rows: u32, nc: u32, ld: u32, v0: u32, vocab: u32, smoothing: f32 }
//#if V4
@group(0) @binding(0) var<storage, read_write> logits: array<vec4<f32>>;
//#else
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
//#end
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = w.y * 32768u + w.x;
  if (row >= p.rows) { return; }
  let label = labels[row];
  let k = scale[0];
  let hit = (1.0 - p.smoothing) * k;
  let rest = p.smoothing / f32(p.vocab) * k;
  let l = lse[row];
  let live = label < p.vocab;
//#if V4
  let ld = p.ld / 4u;
  let r0 = row * ld;
  let whole = p.nc / 4u;
  if (!live) {
    for (var c = t; c < ld; c += ${WG}u) { logits[r0 + c] = vec4<f32>(0.0); }
    return;
  }
  // v0 + c is compared from the label's side: a label below v0 wraps to a number that no column has
  let at = vec4<u32>(label - p.v0) - vec4<u32>(0u, 1u, 2u, 3u);
  for (var c = t; c < whole; c += ${WG}u) {
    let g = k * exp(logits[r0 + c] - vec4<f32>(l)) - vec4<f32>(rest);
    logits[r0 + c] = g - select(vec4<f32>(0.0), vec4<f32>(hit), at == vec4<u32>(4u * c));
  }
  for (var c = whole + t; c < ld; c += ${WG}u) {
    let g = k * exp(logits[r0 + c] - vec4<f32>(l)) - vec4<f32>(rest) - select(vec4<f32>(0.0), vec4<f32>(hit), at == vec4<u32>(4u * c));
    let in = vec4<u32>(4u * c) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(p.nc);
    logits[r0 + c] = select(vec4<f32>(0.0), g, in);
  }
//#else
  let r0 = row * p.ld;
  for (var c = t; c < p.nc; c += ${WG}u) {
    let g = k * exp(logits[r0 + c] - l) - rest - select(0.0, hit, p.v0 + c == label);
    logits[r0 + c] = select(0.0, g, live);
  }
//#end
}
