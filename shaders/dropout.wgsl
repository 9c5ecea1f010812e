// y = keep ? x * scale : 0 (Srivastava et al. 2014); lane j of vec4 i is kept iff word j of Philox4x32-10 >= threshold, at counter
// (i, salt, seed[2], seed[3]) and key (seed[0], seed[1]). With threshold = rate * 2^32 and scale = 1 / (1 - rate) the mean stays. Backward
// runs the same on dy: the mask is drawn again, not stored.
// x, y: [n], n = 4 n4; seed: [4]. Grid: one thread a vec4, 2-D over 32768 workgroups. y is =.
//#const WG 64
//#instance WG=8
//#import philox
struct P { n4: u32, salt: u32, threshold: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> seed: array<u32>;
@group(0) @binding(3) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let i = (w.y * 32768u + w.x) * ${WG}u + t;
  if (i >= p.n4) { return; }
  let r = philox(vec4<u32>(i, p.salt, seed[2], seed[3]), vec2<u32>(seed[0], seed[1]));
  y[i] = select(vec4<f32>(0.0), p.scale * x[i], r >= vec4<u32>(p.threshold));
}
