// Operands of the matmul variants that go by vec4: lda, ldb, offsets and strides % 4 == 0. load_b(i) is the i-th four elements of b,
// whatever they are stored as; with NOISE they come perturbed, by the scalar of the batch (zeroth-order training; shared/zo.wgsl).
//#import matmul_params
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
//#if BF16
@group(0) @binding(1) var<storage, read> b: array<vec2<u32>>;
//#else
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
//#end
@group(0) @binding(3) var<uniform> p: P;

//#if NOISE
@group(0) @binding(7) var<storage, read> z: array<u32>;
//#import zo
fn load_b(i: u32) -> vec4<f32> { return perturbed(stored_b(i), i - p.z0 / 4u); }
fn stored_b(i: u32) -> vec4<f32> {
//#else
fn load_b(i: u32) -> vec4<f32> {
//#end
//#if BF16
  let u = b[i];
  return bitcast<vec4<f32>>(vec4<u32>(u.x << 16u, u.x & 0xffff0000u, u.y << 16u, u.y & 0xffff0000u));
//#else
  return b[i];
//#end
}
