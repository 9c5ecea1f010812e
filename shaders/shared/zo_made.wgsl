// As shared/zo.wgsl, for signs (KIND 1 of zo_noise.wgsl) that the kernel makes itself, which saves small weights a dispatch and tables of
// embeddings the scratch memory. The weight lies row by row. The importing file declares the host's table `zo: array<u32>` and imports
// zo_gen; p.tensor is the tensor's number and p.e0 % 32 == 0 the element of it that is element 0 here.
//#import zo_signs
fn zo_start(b: u32) { zo_scalar = zo[2u + b]; }
fn zo_key() -> vec2<u32> { return vec2<u32>(zo[0], zo[1]); }
fn zo4(i: u32) -> vec4<f32> {
  return zo_signs(zo_word(zo_key(), p.tensor, 0u, p.e0 / 32u + i / 8u) >> (4u * (i % 8u)));
}
fn shifted(v: vec4<f32>, n: vec4<f32>) -> vec4<f32> {
//#if SPARSE
  return select(v, v + n, abs(v) <= vec4<f32>(bitcast<f32>(zo[16u + p.tensor])));
//#else
  return v + n;
//#end
}
fn perturbed(v: vec4<f32>, i: u32) -> vec4<f32> { return shifted(v, zo4(i)); }
