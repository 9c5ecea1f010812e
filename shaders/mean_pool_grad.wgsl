// dx[b, t] = mask[b, t] * dy[b] / max(1, sum over t of mask[b, t]): the gradient of mean_pool.
// dy: [b, d]; mask: [b, t], 0 or 1; dx: [b * t, d]; d = 4 d4. Grid: one thread a vec4 column, (ceil(d4 / WG), b). dx is =.
//#const WG 64
//#instance WG=8
struct P { b: u32, t: u32, d4: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let c = w.x * ${WG}u + lane;
  if (c >= p.d4) { return; }
  let r0 = w.y * p.t;
  var n = 0u;
  for (var i = r0; i < r0 + p.t; i += 1u) { n += select(0u, 1u, mask[i] != 0u); }
  let v = dy[w.y * p.d4 + c] / f32(max(n, 1u));
  for (var i = r0; i < r0 + p.t; i += 1u) { dx[i * p.d4 + c] = select(vec4<f32>(0.0), v, mask[i] != 0u); }
}
