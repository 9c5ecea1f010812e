// Noise of zeroth-order training as the loaders of weights add it: zo4(i) is the scaled noise of the i-th four elements of a weight, in the
// order in which they lie. The importing file declares `z: array<u32>`, which kernel zo_noise fills: 8 words of header (z[0], z[1]: the
// scalars of batch 0 and 1 as f32 bits; z[4]: threshold), then NOISE 1: a bit an element (set: minus), NOISE 2: a signed byte an element.
// zo_start(b) chooses the scalar. A bit flips the sign of the scalar; a byte's product with it is exact, since the host rounds scalars to
// 16 significant bits: nothing depends on how an adapter rounds or fuses.
//#import zo_signs
fn zo_start(b: u32) { zo_scalar = z[b]; }
fn zo4(i: u32) -> vec4<f32> {
//#if NOISE == 1
  return zo_signs(z[8u + i / 8u] >> (4u * (i % 8u)));
//#else
  let h = bitcast<vec4<i32>>(vec4<u32>(z[8u + i]) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
  return bitcast<f32>(zo_scalar) * vec4<f32>(h);
//#end
}
// shifted(v, n): the elements v with their noise n; with SPARSE only where |v| is at most the threshold.
fn shifted(v: vec4<f32>, n: vec4<f32>) -> vec4<f32> {
//#if SPARSE
  return select(v, v + n, abs(v) <= vec4<f32>(bitcast<f32>(z[4])));
//#else
  return v + n;
//#end
}
// perturbed(v, i): the four elements v at i with their noise.
fn perturbed(v: vec4<f32>, i: u32) -> vec4<f32> { return shifted(v, zo4(i)); }
