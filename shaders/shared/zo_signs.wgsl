// The scalar in the sign of each of four elements: what noise of +1 and -1 times the scalar is, bit for bit.
var<private> zo_scalar: u32;
// the signs are the low 4 bits of h, set: minus
fn zo_signs(h: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(((vec4<u32>(h) << vec4<u32>(31u, 30u, 29u, 28u)) & vec4<u32>(0x80000000u)) ^ vec4<u32>(zo_scalar));
}
