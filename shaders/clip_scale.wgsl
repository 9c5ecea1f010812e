// Gradient clipping by the global norm (Pascanu et al. 2013), in PyTorch's form:
//   out[0] = norm = sqrt(sum of norms2);  out[1] = min(1, max_norm / (norm + 1e-6)), or 1 where max_norm is 0
// If the norm is NaN or infinite, out[1] is NaN, and the optimizers leave everything as it is.
// norms2: [n], the sum of squares of each tensor; out: [2]. Grid: (1, 1, 1). f32 accumulation, lanes then a fixed tree. out is =.
//#const WG 256
//#instance WG=8
//#import reduce
//#import bad
struct P { n: u32, max_norm: f32 }
@group(0) @binding(0) var<storage, read> norms2: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32) {
  var s = 0.0;
  for (var i = t; i < p.n; i += ${WG}u) { s += norms2[i]; }
  let norm = sqrt(reduce_sum(t, s));
  if (t == 0u) {
    out[0] = norm;
    var c = 1.0;
    if (p.max_norm > 0.0) { c = min(1.0, p.max_norm / (norm + 0.000001)); }
    // min would hide a NaN, and a NaN written as a constant is refused: set its bits
    if (bad(norm)) { c = bitcast<f32>(bitcast<u32>(norm) | 0x7fc00000u); }
    out[1] = c;
  }
}
