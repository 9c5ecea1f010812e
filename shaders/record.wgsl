// ring[(slot[0] % len) * n + i] = src[i]: one step's numbers go to the next row of a ring of len rows, which the host reads seldom.
// src: [n], ring: [len, n], slot: [4], of which the first counts steps. Grid: one thread an element, 2-D over 32768 workgroups.
// The one row is =, the others stay.
//#const WG 64
//#instance WG=8
struct P { n: u32, len: u32 }
@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read> slot: array<u32>;
@group(0) @binding(2) var<storage, read_write> ring: array<f32>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i < p.n) { ring[(slot[0] % p.len) * p.n + i] = src[i]; }
}
