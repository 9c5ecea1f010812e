// dx = dy * f'(x), f by the number ACT as in activation.wgsl; x is what went into f.
// x, dy, dx: [n], n = 4 n4. Grid: one thread a vec4, 2-D over 32768 workgroups. dx is =.
//#const WG 64
//#const ACT 1
//#instance ACT=2
//#instance ACT=3
//#instance ACT=4
//#instance ACT=5
//#instance WG=8
//#instance ACT=2 WG=8
//#instance ACT=3 WG=8
//#instance ACT=4 WG=8
//#instance ACT=5 WG=8
//#import activation
struct P { n4: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i < p.n4) { dx[i] = dy[i] * dact4(x[i]); }
}
