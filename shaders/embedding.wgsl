// y[r] = table[ids[r] - lo] where lo <= ids[r] < hi; other rows of y stay as they are, so that a table may be split over dispatches.
// ids: [rows]; table: [hi - lo, d], f32 or (BF16) two bf16 to a word, the first in the low half; y: [rows, d]; d = 4 d4.
// Grid: one workgroup a row, 2-D over 32768. No arithmetic. y is =.
//#const WG 64
//#const BF16 0
//#instance WG=8
//#instance BF16=1
//#instance BF16=1 WG=8
struct P { rows: u32, d4: u32, lo: u32, hi: u32 }
@group(0) @binding(0) var<storage, read> ids: array<u32>;
//#if BF16
@group(0) @binding(1) var<storage, read> table: array<vec2<u32>>;
//#else
@group(0) @binding(1) var<storage, read> table: array<vec4<f32>>;
//#end
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let row = w.y * 32768u + w.x;
  if (row >= p.rows) { return; }
  let id = ids[row];
  if (id < p.lo || id >= p.hi) { return; }
  let src = (id - p.lo) * p.d4;
  let dst = row * p.d4;
  for (var c = t; c < p.d4; c += ${WG}u) {
//#if BF16
    let u = table[src + c];
    y[dst + c] = bitcast<vec4<f32>>(vec4<u32>(u.x << 16u, u.x & 0xffff0000u, u.y << 16u, u.y & 0xffff0000u));
//#else
    y[dst + c] = table[src + c];
//#end
  }
}
