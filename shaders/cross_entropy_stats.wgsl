// stats[r] = (max, sum exp(z - max), sum z, z[label]) of the logits z of row r, taken up over chunks of the vocabulary one dispatch
// after another, so that no row need fit one binding (the online form, Milakov and Gimelshein 2018).
// logits: [rows, ld], this chunk being the tokens v0 .. v0 + nc - 1; labels: [rows], ones out of range leave z[label] alone;
// stats: [rows, 4]. V4 goes by vec4: ld % 4 == 0, what lies behind column nc is not looked at.
// Grid: one workgroup a row, 2-D over 32768. f32 accumulation, a fixed tree. FIRST: stats is =; otherwise it is merged.
//#const WG 64
//#const V4 0
//#const FIRST 1
//#instance WG=8
//#instance FIRST=0
//#instance FIRST=0 WG=8
//#instance V4=1
//#instance V4=1 WG=8
//#instance V4=1 FIRST=0
//#instance V4=1 FIRST=0 WG=8
//#import reduce
//#import reduce_max
struct P { rows: u32, nc: u32, ld: u32, v0: u32 }
//#if V4
@group(0) @binding(0) var<storage, read> logits: array<vec4<f32>>;
//#else
@group(0) @binding(0) var<storage, read> logits: array<f32>;
//#end
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = w.y * 32768u + w.x;
  if (row >= p.rows) { return; }
  let label = labels[row];
//#if V4
  let r0 = row * (p.ld / 4u);
  let low = vec4<f32>(-3.0e38);
  let one = vec4<f32>(1.0);
  let zero = vec4<f32>(0.0);
  var m4 = low;
  var e4 = zero;
  var z4 = zero;
  let whole = p.nc / 4u;
  for (var c = t; c < whole; c += ${WG}u) {
    let z = logits[r0 + c];
    let e = exp(-abs(z - m4));
    e4 = select(e4 + e, e4 * e + one, z > m4);
    m4 = max(m4, z);
    z4 += z;
  }
  if (t == 0u && p.nc % 4u != 0u) {
    let in = vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(p.nc % 4u);
    let z = logits[r0 + whole];
    let e = exp(-abs(z - m4));
    e4 = select(e4, select(e4 + e, e4 * e + one, z > m4), in);
    m4 = select(m4, max(m4, z), in);
    z4 += select(zero, z, in);
  }
  let m = max(max(m4.x, m4.y), max(m4.z, m4.w));
  let s4 = e4 * exp(m4 - vec4<f32>(m));
  let s = (s4.x + s4.y) + (s4.z + s4.w);
  let sz = (z4.x + z4.y) + (z4.z + z4.w);
//#else
  let r0 = row * p.ld;
  var m = -3.0e38;
  var s = 0.0;
  var sz = 0.0;
  for (var c = t; c < p.nc; c += ${WG}u) {
    let z = logits[r0 + c];
    let e = exp(-abs(z - m));
    s = select(s + e, s * e + 1.0, z > m);
    m = max(m, z);
    sz += z;
  }
//#end
  let top_all = reduce_max(t, m);
  let sum_all = reduce_sum(t, s * exp(m - top_all));
  workgroupBarrier();
  let z_all = reduce_sum(t, sz);
  if (t != 0u) { return; }
  var out = vec4<f32>(top_all, sum_all, z_all, 0.0);
//#if FIRST == 0
  let old = stats[row];
  let both = max(old.x, top_all);
  out = vec4<f32>(both, old.y * exp(old.x - both) + sum_all * exp(top_all - both), old.z + z_all, old.w);
//#end
  if (label >= p.v0 && label - p.v0 < p.nc) {
    let c = label - p.v0;
//#if V4
    let z = logits[r0 + c / 4u];
    out.w = select(select(z.x, z.y, c % 4u == 1u), select(z.z, z.w, c % 4u == 3u), c % 4u >= 2u);
//#else
    out.w = logits[r0 + c];
//#end
  }
  stats[row] = out;
}
