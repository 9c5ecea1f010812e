// Variant of matmul for GPUs and few rows (m <= 4), where all the time goes into reading b once: ROWS rows of c a workgroup.
// NN: 32 columns, by 32 slices of k that 8 lanes each read; NT: 4 columns, their rows of b read by 64 lanes along k. The slices take
// every 32nd or 64th vec4 of k and are summed as a tree in workgroup memory. a is not transposed here.
// Any m and n; k, lda, ldb, ldc, bias0, offsets and strides % 4 == 0; columns of c from n up to the next multiple of 4 are written (with
// what lies in b past n). Grid: (ceil(n / 32), ceil(m / ROWS), batches), TB: (ceil(n / 4), ...). f32 accumulation; c is =, with ACC +=.
// gpucheck: min_waves=4 max_lds=16384
//#variant matmul
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
//#const ROWS 1
//#instance TB=1
//#instance BF16=1
//#instance TB=1 BF16=1
//#instance ROWS=4
//#instance ROWS=4 TB=1
//#instance ROWS=4 TB=1 BF16=1 BIAS=1 ACT=1
//#instance ROWS=4 BF16=1 RES=1
//#instance ROWS=4 BIAS=1 PRE=1 ACC=1
//#instance NOISE=1
//#instance TB=1 NOISE=1
//#instance ROWS=4 TB=1 NOISE=1 BF16=1 BIAS=1 PAIR=1
//#instance NOISE=2
//#instance ROWS=4 TB=1 NOISE=2 SPARSE=1
//#import matmul_inputs
//#import matmul_epilogue
var<workgroup> part: array<array<vec4<f32>, ${256-192*TB}>, ${ROWS}>;

@compute @workgroup_size(${256-192*TB})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
//#if TB
  let slice = t;
  let col = w.x;
//#else
  let slice = t / 8u;
  let col = w.x * 8u + t % 8u;
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
  let row = w.y * ${ROWS}u;
  let lda = p.lda / 4u;
  let ldb = p.ldb / 4u;
  let ai = (p.a0 + zb * p.sab + zh / p.ga * p.sah) / 4u + row * lda;
  let b0 = (p.b0 + zb * p.sbb + zh / p.gb * p.sbh) / 4u;
//#for i 0 ROWS
  var s${i} = vec4<f32>(0.0);
//#end
  for (var k = slice; k < p.k / 4u; k += ${32+32*TB}u) {
//#if TB
    let bi = b0 + 4u * col * ldb + k;
//#else
    let bi = b0 + 4u * k * ldb + col;
//#end
    let r0 = load_b(bi);
    let r1 = load_b(bi + ldb);
    let r2 = load_b(bi + 2u * ldb);
    let r3 = load_b(bi + 3u * ldb);
//#for i 0 ROWS
    let x${i} = a[ai + ${i}u * lda + k];
//#if TB
    s${i} += vec4<f32>(dot(x${i}, r0), dot(x${i}, r1), dot(x${i}, r2), dot(x${i}, r3));
//#else
    s${i} += x${i}.x * r0; s${i} += x${i}.y * r1; s${i} += x${i}.z * r2; s${i} += x${i}.w * r3;
//#end
//#end
  }
//#for i 0 ROWS
  part[${i}][t] = s${i};
//#end
  workgroupBarrier();
  for (var h = ${128-96*TB}u; h > ${4-4*TB}u; h = h / 2u) {
    if (t < h) {
//#for i 0 ROWS
      part[${i}][t] += part[${i}][t + h];
//#end
    }
    workgroupBarrier();
  }
  let ldc = p.ldc / 4u;
  let ci = (p.c0 + zb * p.scb + zh * p.sch) / 4u + row * ldc + col;
  if (t < ${8-7*TB}u && col < (p.n + 3u) / 4u) {
//#for i 0 ROWS
    if (row + ${i}u < p.m) { put(ci + ${i}u * ldc, col, part[${i}][t]); }
//#end
  }
}
