// y[b] = w + a_b z for the copies b: a small weight (a bias, a gain) perturbed for each half of a batch (MeZO, 2305.17333). The weight is
// not written. a_b: scalar b in the header of z; z: from kernel zo_noise. SPARSE: only where |w| is at most the threshold in the header.
// w: [n], n <= 4 n4; y: [copies, 4 n4]. Grid: one thread a vec4 of y, 2-D over 32768 workgroups. y is =.
//#const WG 64
//#const NOISE 1
//#const SPARSE 0
//#instance NOISE=2
//#instance SPARSE=1 WG=8
struct P { n4: u32, copies: u32 }
@group(0) @binding(0) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> z: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;
//#import zo

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) g: vec3<u32>) {
  let i = (g.y * 32768u + g.x) * ${WG}u + t;
  if (i >= p.n4 * p.copies) { return; }
  zo_start(i / p.n4);
  y[i] = perturbed(w[i % p.n4], i % p.n4);
}
