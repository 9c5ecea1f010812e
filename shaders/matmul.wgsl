// c = act(alpha * op(a) op(b) + bias) + residual, the plain form that takes any shape; the variants are for speed.
// op(a): [m, k], stored [m, lda] or (TA) [k, lda]; op(b): [k, n], stored [k, ldb] or (TB) [n, ldb]; c: [m, ldc]; bias: [n] from bias0;
// residual and pre (the value before the activation, kept for backward) lie as c. Batches: shared/matmul_params.wgsl.
// Grid: 64 outputs of a row a workgroup, (ceil(n / 64), m, batches). f32 accumulation in the order of k. c is =, with ACC +=.
// NOISE: b comes perturbed, w + a z with a scalar a batch (0 or 1) and noise z packed as kernel zo_noise leaves it, from element z0 of b on;
// SPARSE: only where |w| is at most the threshold. PAIR: each batch has its own bias. All for zeroth-order training (MeZO, 2305.17333).
// BF16: b holds two bf16 to a word, the first in the low half.
//#const TA 0
//#const TB 0
//#const BF16 0
//#const BIAS 0
//#const ACT 0
//#const RES 0
//#const PRE 0
//#const ACC 0
//#const NOISE 0
//#const SPARSE 0
//#const PAIR 0
//#instance TA=1
//#instance TB=1
//#instance TB=1 BF16=1 BIAS=1 ACT=1 PRE=1
//#instance BF16=1 RES=1
//#instance TA=1 ACC=1
//#instance TB=1 NOISE=1
//#instance NOISE=2 BF16=1 BIAS=1 PAIR=1
//#instance NOISE=1 SPARSE=1
//#import matmul_params
@group(0) @binding(0) var<storage, read> a: array<f32>;
//#if BF16
@group(0) @binding(1) var<storage, read> b: array<u32>;
//#else
@group(0) @binding(1) var<storage, read> b: array<f32>;
//#end
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> p: P;
//#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<f32>;
//#end
//#if RES
@group(0) @binding(5) var<storage, read> residual: array<f32>;
//#end
//#if PRE
@group(0) @binding(6) var<storage, read_write> pre: array<f32>;
//#end
//#if ACT
//#import activation
//#end
//#if NOISE
@group(0) @binding(7) var<storage, read> z: array<u32>;
//#import zo
//#end

fn stored_b(i: u32) -> f32 {
//#if BF16
  let w = b[i / 2u];
  return bitcast<f32>(select(w << 16u, w & 0xffff0000u, (i & 1u) == 1u));
//#else
  return b[i];
//#end
}

fn load_b(i: u32) -> f32 {
//#if NOISE
  let v = perturbed(vec4<f32>(stored_b(i)), (i - p.z0) / 4u);
  let xy = select(v.x, v.y, ((i - p.z0) & 1u) == 1u);
  let zw = select(v.z, v.w, ((i - p.z0) & 1u) == 1u);
  return select(xy, zw, ((i - p.z0) & 2u) == 2u);
//#else
  return stored_b(i);
//#end
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let col = w.x * 64u + t;
  let row = w.y;
  let zb = w.z / p.heads;
  let zh = w.z % p.heads;
//#if NOISE
  zo_start(zb);
//#end
  if (col >= p.n) { return; }
  var ai = p.a0 + zb * p.sab + zh / p.ga * p.sah;
  var bi = p.b0 + zb * p.sbb + zh / p.gb * p.sbh;
//#if TA
  ai += row;
  let da = p.lda;
//#else
  ai += row * p.lda;
  let da = 1u;
//#end
//#if TB
  bi += col * p.ldb;
  let db = 1u;
//#else
  bi += col;
  let db = p.ldb;
//#end
  var s = 0.0;
  for (var i = 0u; i < p.k; i += 1u) {
    s += a[ai] * load_b(bi);
    ai += da; bi += db;
  }
  let ci = p.c0 + zb * p.scb + zh * p.sch + row * p.ldc + col;
  var y = p.alpha * s;
//#if BIAS
//#if PAIR
  y += bias[p.bias0 + zb * p.sbias + col];
//#else
  y += bias[p.bias0 + col];
//#end
//#end
//#if PRE
  pre[ci] = y;
//#end
//#if ACT
  y = act4(vec4<f32>(y)).x;
//#end
//#if RES
  y += residual[ci];
//#end
//#if ACC
  y += c[ci];
//#end
  c[ci] = y;
}
