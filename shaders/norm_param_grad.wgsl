// dgamma[b] = sum of dy * xhat, dbeta[b] = sum of dy, over the rows of block b (`per` rows each): partial sums of the gradients of a
// norm's parameters, which col_sum adds up. BETA (layer norm): stats [rows, 2] = (mean, rstd), xhat = (x - mean) * rstd.
// Without (RMS norm): stats [rows] = rstd, xhat = x * rstd, no dbeta.
// x, dy: [rows, d]; dgamma, dbeta: [ceil(rows / per), d]; d = 4 d4.
// Grid: one thread a vec4 column, (ceil(d4 / WG), blocks). f32 accumulation in the order of the rows. dgamma and dbeta are =.
//#const WG 64
//#const BETA 1
//#instance WG=8
//#instance BETA=0
//#instance BETA=0 WG=8
struct P { rows: u32, d4: u32, per: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
//#if BETA
@group(0) @binding(1) var<storage, read> stats: array<vec2<f32>>;
//#else
@group(0) @binding(1) var<storage, read> stats: array<f32>;
//#end
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dgamma: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> p: P;
//#if BETA
@group(0) @binding(5) var<storage, read_write> dbeta: array<vec4<f32>>;
//#end

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let c = w.x * ${WG}u + t;
  if (c >= p.d4) { return; }
  let first = w.y * p.per;
  let end = min(first + p.per, p.rows);
  var g = vec4<f32>(0.0);
  var b = vec4<f32>(0.0);
  for (var r = first; r < end; r += 1u) {
    let d = dy[r * p.d4 + c];
//#if BETA
    let s = stats[r];
    g += d * (s.y * (x[r * p.d4 + c] - vec4<f32>(s.x)));
    b += d;
//#else
    g += d * (stats[r] * x[r * p.d4 + c]);
//#end
  }
  dgamma[w.y * p.d4 + c] = g;
//#if BETA
  dbeta[w.y * p.d4 + c] = b;
//#end
}
