// Epilogue of the matmul variants that go by vec4: put(i, col, s) stores four sums s of a row as the i-th four elements of c, which are
// the col-th four columns. What it does beside is chosen by BIAS, PAIR, PRE, ACT, RES, ACC; see matmul.wgsl.
@group(0) @binding(2) var<storage, read_write> c: array<vec4<f32>>;
//#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;
var<private> pair0: u32; // where the bias of this batch starts, in vec4
//#end
//#if RES
@group(0) @binding(5) var<storage, read> residual: array<vec4<f32>>;
//#end
//#if PRE
@group(0) @binding(6) var<storage, read_write> pre: array<vec4<f32>>;
//#end
//#if ACT
//#import activation
//#end

fn put(i: u32, col: u32, s: vec4<f32>) {
  var y = p.alpha * s;
//#if BIAS
  y += bias[pair0 + col];
//#end
//#if PRE
  pre[i] = y;
//#end
//#if ACT
  y = act4(y);
//#end
//#if RES
  y += residual[i];
//#end
//#if ACC
  y += c[i];
//#end
  c[i] = y;
}
