// Activations by number, as the ACT constant of matmul epilogues and of kernel activation: 1 gelu (erf), 2 gelu (tanh), 3 relu, 4 tanh,
// 5 silu. WGSL has no erf: Abramowitz and Stegun 7.1.26, absolute error 1.5e-7. WGSL's tanh is only good to 1e-5, and exp overflows:
// tanh here goes through exp of a negative argument.
fn erf4(x: vec4<f32>) -> vec4<f32> {
  let a = abs(x);
  let t = vec4<f32>(1.0) / (vec4<f32>(1.0) + 0.3275911 * a);
  let q = ((((1.061405429 * t - vec4<f32>(1.453152027)) * t + vec4<f32>(1.421413741)) * t - vec4<f32>(0.284496736)) * t + vec4<f32>(0.254829592)) * t;
  return sign(x) * (vec4<f32>(1.0) - q * exp(-a * a));
}
fn tanh4(x: vec4<f32>) -> vec4<f32> {
  let e = exp(-2.0 * abs(x));
  return sign(x) * (vec4<f32>(1.0) - e) / (vec4<f32>(1.0) + e);
}
fn sigmoid4(x: vec4<f32>) -> vec4<f32> {
  let e = exp(-abs(x));
  return select(e, vec4<f32>(1.0), x >= vec4<f32>(0.0)) / (vec4<f32>(1.0) + e);
}
//#if ACT == 1
fn act4(x: vec4<f32>) -> vec4<f32> { return 0.5 * x * (vec4<f32>(1.0) + erf4(x * 0.70710678118654752)); }
fn dact4(x: vec4<f32>) -> vec4<f32> {
  return 0.5 * (vec4<f32>(1.0) + erf4(x * 0.70710678118654752)) + x * 0.39894228040143268 * exp(-0.5 * x * x);
}
//#end
//#if ACT == 2
fn act4(x: vec4<f32>) -> vec4<f32> { return 0.5 * x * (vec4<f32>(1.0) + tanh4(0.79788456080286536 * (x + 0.044715 * x * x * x))); }
fn dact4(x: vec4<f32>) -> vec4<f32> {
  let t = tanh4(0.79788456080286536 * (x + 0.044715 * x * x * x));
  return 0.5 * (vec4<f32>(1.0) + t) + 0.5 * x * (vec4<f32>(1.0) - t * t) * 0.79788456080286536 * (vec4<f32>(1.0) + 0.134145 * x * x);
}
//#end
//#if ACT == 3
fn act4(x: vec4<f32>) -> vec4<f32> { return max(x, vec4<f32>(0.0)); }
fn dact4(x: vec4<f32>) -> vec4<f32> { return select(vec4<f32>(0.0), vec4<f32>(1.0), x > vec4<f32>(0.0)); }
//#end
//#if ACT == 4
fn act4(x: vec4<f32>) -> vec4<f32> { return tanh4(x); }
fn dact4(x: vec4<f32>) -> vec4<f32> { let t = tanh4(x); return vec4<f32>(1.0) - t * t; }
//#end
//#if ACT == 5
fn act4(x: vec4<f32>) -> vec4<f32> { return x * sigmoid4(x); }
fn dact4(x: vec4<f32>) -> vec4<f32> { let s = sigmoid4(x); return s * (vec4<f32>(1.0) + x * (vec4<f32>(1.0) - s)); }
//#end
