// Variant of matmul for software adapters: a workgroup is one 8-lane subgroup, its lanes LANES across and 8 / LANES down; each owns ROWS
// rows x COLS vec4 columns. With all lanes across, rows come from the workgroup id alone and loads of a are the same in every lane; few
// columns (LoRA's rank) want fewer lanes across, else most would have nothing to do. No workgroup memory.
// NN reads a by vec4 along k, TN by vec4 along the rows. TB is not here: the host transposes b instead, which costs less.
// Any m; k, lda, ldb, ldc, offsets and strides % 4 == 0 (k for NN only); columns from n up to the next multiple of 4 are written.
// Grid: (ceil(n / (4 * LANES * COLS)), ceil(m / (8 / LANES * ROWS)), batches). Accumulation in the order of k; c is =, with ACC +=.
// gpucheck: skip=all (never runs on a GPU)
//#variant matmul
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
//#const ROWS 8
//#const COLS 2
//#const LANES 8
//#instance TA=1
//#instance BF16=1 BIAS=1 ACT=1 PRE=1
//#instance BF16=1 RES=1
//#instance TA=1 ACC=1
//#instance ROWS=4 TA=1
//#instance ROWS=16
//#instance ROWS=16 COLS=4
//#instance ROWS=16 COLS=4 TA=1 ACC=1
//#instance ROWS=16 COLS=4 BF16=1 BIAS=1 ACT=1 PRE=1 RES=1
//#instance LANES=1
//#instance LANES=1 TA=1 ACC=1
//#instance LANES=2 BF16=1
//#instance LANES=4 TA=1
//#instance LANES=2 COLS=1 ROWS=4 BF16=1 BIAS=1 ACT=1 PRE=1 RES=1
//#instance NOISE=1
//#instance NOISE=1 BF16=1 BIAS=1 PAIR=1 ACT=1
//#instance NOISE=2 RES=1
//#instance LANES=1 NOISE=1 SPARSE=1
//#import matmul_inputs
//#import matmul_epilogue

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let col = w.x * ${LANES*COLS}u + t % ${LANES}u;
//#if LANES == 8
  let row = w.y * ${ROWS}u;
//#else
  let row = (w.y * ${8/LANES}u + t / ${LANES}u) * ${ROWS}u;
//#end
  let zb = w.z / p.heads;
  let zh = w.z % p.heads;
//#if NOISE
  zo_start(zb);
//#end
//#if BIAS
  pair0 = p.bias0 / 4u;
//#end
//#if BIAS && PAIR
  pair0 += zb * p.sbias / 4u;
//#end
  let n4 = (p.n + 3u) / 4u;
  let lda = p.lda / 4u;
  let ldb = p.ldb / 4u;
  let a0 = (p.a0 + zb * p.sab + zh / p.ga * p.sah) / 4u;
  var bi = (p.b0 + zb * p.sbb + zh / p.gb * p.sbh) / 4u + col;
//#for i 0 ROWS
//#for j 0 COLS
  var s${i}_${j} = vec4<f32>(0.0);
//#end
//#end
//#if TA
  var ai = a0 + row / 4u;
  for (var k = 0u; k < p.k; k += 1u) {
//#for j 0 COLS
    let b${j} = load_b(bi + ${LANES*j}u);
//#end
//#for i 0 ROWS/4
    let a${i} = a[ai + ${i}u];
//#end
//#for i 0 ROWS/4
//#for j 0 COLS
    s${4*i}_${j} += a${i}.x * b${j}; s${4*i+1}_${j} += a${i}.y * b${j}; s${4*i+2}_${j} += a${i}.z * b${j}; s${4*i+3}_${j} += a${i}.w * b${j};
//#end
//#end
    ai += lda; bi += ldb;
  }
//#else
  let ar = a0 + row * lda;
  for (var k = 0u; k < p.k / 4u; k += 1u) {
//#for i 0 ROWS
    let a${i} = a[ar + ${i}u * lda + k];
//#end
//#for j 0 COLS
    let x${j} = load_b(bi + ${LANES*j}u);
    let y${j} = load_b(bi + ldb + ${LANES*j}u);
    let z${j} = load_b(bi + 2u * ldb + ${LANES*j}u);
    let w${j} = load_b(bi + 3u * ldb + ${LANES*j}u);
//#end
//#for i 0 ROWS
//#for j 0 COLS
    s${i}_${j} += a${i}.x * x${j}; s${i}_${j} += a${i}.y * y${j}; s${i}_${j} += a${i}.z * z${j}; s${i}_${j} += a${i}.w * w${j};
//#end
//#end
    bi += 4u * ldb;
  }
//#end
  let ldc = p.ldc / 4u;
  let ci = (p.c0 + zb * p.scb + zh * p.sch) / 4u + row * ldc + col;
//#for j 0 COLS
  if (col + ${LANES*j}u < n4) {
//#for i 0 ROWS
    if (row + ${i}u < p.m) { put(ci + ${i}u * ldc + ${LANES*j}u, col + ${LANES*j}u, s${i}_${j}); }
//#end
  }
//#end
}
