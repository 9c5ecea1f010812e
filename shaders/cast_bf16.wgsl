// y = f32(x), elementwise and exact: a bf16 number is the upper half of an f32.
// x: bf16[n], two to a word, the first in the low half; y: f32[n], n % 4 == 0. Grid: one thread a vec4, 2-D over 32768 workgroups. y is =.
//#const WG 64
//#instance WG=8
struct P { n4: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i < p.n4) {
    let u = x[i];
    y[i] = bitcast<vec4<f32>>(vec4<u32>(u.x << 16u, u.x & 0xffff0000u, u.y << 16u, u.y & 0xffff0000u));
  }
}
