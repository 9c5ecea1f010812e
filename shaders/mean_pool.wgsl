// y[b] = sum over t of mask[b, t] * x[b, t] / max(1, sum over t of mask[b, t]): the mean of a sequence's real positions
// (Reimers and Gurevych 2019, section 3).
// x: [b * t, d]; mask: [b, t], 0 or 1; y: [b, d]; d = 4 d4.
// Grid: one thread a vec4 column, (ceil(d4 / WG), b). f32 accumulation in the order of the positions. y is =.
//#const WG 64
//#instance WG=8
struct P { b: u32, t: u32, d4: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let c = w.x * ${WG}u + lane;
  if (c >= p.d4) { return; }
  let r0 = w.y * p.t;
  var n = 0u;
  var s = vec4<f32>(0.0);
  for (var i = r0; i < r0 + p.t; i += 1u) {
    if (mask[i] != 0u) { n += 1u; s += x[i * p.d4 + c]; }
  }
  y[w.y * p.d4 + c] = s / f32(max(n, 1u));
}
