// Variant of matmul for GPUs where one side of c is small, as with the ranks of LoRA: tiles of 64 x 16 (WIDE 0, n <= 32) or 16 x 64
// (WIDE 1, m <= 32), 4 x 4 a thread, 16 of k at a time through workgroup memory. There are few such tiles, and each waits for the long
// operand: SLICES times 64 threads share one, slice s takes every SLICES-th 16 of k, and their sums are added in the end.
// Both operands lie in workgroup memory as vec4 of rows (a) or columns (b), [slice][k / 4][k % 4][vec4]. What is stored along k is
// transposed on the way in: a thread takes a block of 4 x 4.
// Any m and n; k, lda, ldb, ldc, bias0, offsets and strides % 4 == 0; columns of c from n up to the next multiple of 4 are written (with
// what lies in b past n). Grid: (ceil(n / 16), ceil(m / 64), batches), WIDE: (ceil(n / 64), ceil(m / 16), batches). f32 accumulation in
// the order of k within a slice; c is =, with ACC +=.
// gpucheck: tile_fma=256 min_fma=50 min_waves=4 max_lds=10240
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
//#const WIDE 0
//#const SLICES 2
//#instance TB=1
//#instance TA=1
//#instance BF16=1
//#instance TB=1 BF16=1
//#instance TA=1 ACC=1
//#instance TB=1 BIAS=1 ACT=4 PRE=1
//#instance WIDE=1
//#instance WIDE=1 TB=1
//#instance WIDE=1 TA=1
//#instance WIDE=1 TA=1 ACC=1
//#instance WIDE=1 TB=1 BF16=1 RES=1
//#instance NOISE=1
//#instance TB=1 NOISE=1
//#instance WIDE=1 TB=1 NOISE=1 BF16=1
//#instance TB=1 NOISE=2 BIAS=1 PAIR=1
//#instance WIDE=1 NOISE=2 SPARSE=1
//#if NOISE
// gpucheck: min_fma=44 min_waves=3 (few rows or columns share the noise)
//#end
//#import matmul_inputs
//#import matmul_epilogue
var<workgroup> aS: array<array<array<array<vec4<f32>, ${16-12*WIDE}>, 4>, 4>, ${SLICES}>;
var<workgroup> bS: array<array<array<array<vec4<f32>, ${4+12*WIDE}>, 4>, 4>, ${SLICES}>;

@compute @workgroup_size(${64*SLICES})
fn main(@builtin(local_invocation_index) id: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let slice = id / 64u;
  let t = id % 64u;
  let tx = t % ${4+12*WIDE}u;
  let ty = t / ${4+12*WIDE}u;
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
  let row0 = w.y * ${16-12*WIDE}u;
  let col0 = w.x * ${4+12*WIDE}u;
  let k4 = p.k / 4u;
  let lda = p.lda / 4u;
  let ldb = p.ldb / 4u;
  // What is stored along k: a thread takes vec4 q4 of k of the four rows v4. By rows of k: vec4 q4 of row v4 where the side is short,
  // vec4 v16 of rows r16, r16 + 4, ... where it is long.
  let q4 = t % 4u;
  let v4 = t / 4u;
  let r16 = t / 16u;
  let v16 = t % 16u;
  var ai = (p.a0 + zb * p.sab + zh / p.ga * p.sah) / 4u;
  var bi = (p.b0 + zb * p.sbb + zh / p.gb * p.sbh) / 4u;
//#if TA && WIDE
  ai += (16u * slice + v4) * lda + row0 + q4;
//#end
//#if TA && !WIDE
  ai += (16u * slice + r16) * lda + row0 + v16;
//#end
//#if !TA
  ai += 4u * (row0 + v4) * lda + 4u * slice + q4;
//#end
//#if TB
  bi += 4u * (col0 + v4) * ldb + 4u * slice + q4;
//#end
//#if !TB && WIDE
  bi += (16u * slice + r16) * ldb + col0 + v16;
//#end
//#if !TB && !WIDE
  bi += (16u * slice + v4) * ldb + col0 + q4;
//#end
//#for i 0 4
  var s${i} = vec4<f32>(0.0);
//#end
  for (var k = 0u; k < k4; k += ${4*SLICES}u) {
//#if TA && WIDE
    aS[slice][r16][v4 % 4u][q4] = a[ai];
//#end
//#if TA && !WIDE
//#for i 0 4
    aS[slice][${i}][r16][v16] = a[ai + ${4*i}u * lda];
//#end
//#end
//#if !TA
//#if WIDE
    if (t < 16u) {
//#else
    {
//#end
      let r0 = a[ai];
      let r1 = a[ai + lda];
      let r2 = a[ai + 2u * lda];
      let r3 = a[ai + 3u * lda];
      aS[slice][q4][0][v4] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
      aS[slice][q4][1][v4] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
      aS[slice][q4][2][v4] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
      aS[slice][q4][3][v4] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
    }
//#end
//#if TB
//#if WIDE
    {
//#else
    if (t < 16u) {
//#end
      let r0 = load_b(bi);
      let r1 = load_b(bi + ldb);
      let r2 = load_b(bi + 2u * ldb);
      let r3 = load_b(bi + 3u * ldb);
      bS[slice][q4][0][v4] = vec4<f32>(r0.x, r1.x, r2.x, r3.x);
      bS[slice][q4][1][v4] = vec4<f32>(r0.y, r1.y, r2.y, r3.y);
      bS[slice][q4][2][v4] = vec4<f32>(r0.z, r1.z, r2.z, r3.z);
      bS[slice][q4][3][v4] = vec4<f32>(r0.w, r1.w, r2.w, r3.w);
    }
//#end
//#if !TB && WIDE
//#for i 0 4
    bS[slice][${i}][r16][v16] = load_b(bi + ${4*i}u * ldb);
//#end
//#end
//#if !TB && !WIDE
    bS[slice][r16][v4 % 4u][q4] = load_b(bi);
//#end
//#if TA
    ai += ${16*SLICES}u * lda;
//#else
    ai += ${4*SLICES}u;
//#end
//#if TB
    bi += ${4*SLICES}u;
//#else
    bi += ${16*SLICES}u * ldb;
//#end
    workgroupBarrier();
    let quads = min(4u, max(k4, k + 4u * slice) - k - 4u * slice);
    for (var q = 0u; q < quads; q += 1u) {
//#for j 0 4
      { let x = aS[slice][q][${j}][ty]; let y = bS[slice][q][${j}][tx]; s0 += x.x * y; s1 += x.y * y; s2 += x.z * y; s3 += x.w * y; }
//#end
    }
    workgroupBarrier();
  }
//#if WIDE
  if (slice > 0u) {
//#for i 0 4
    bS[slice][${i}][r16][v16] = s${i};
//#end
  }
  workgroupBarrier();
  if (slice > 0u) { return; }
//#for j 1 SLICES
//#for i 0 4
  s${i} += bS[${j}][${i}][r16][v16];
//#end
//#end
//#else
  if (slice > 0u) {
//#for i 0 4
    aS[slice][${i}][r16][v16] = s${i};
//#end
  }
  workgroupBarrier();
  if (slice > 0u) { return; }
//#for j 1 SLICES
//#for i 0 4
  s${i} += aS[${j}][${i}][r16][v16];
//#end
//#end
//#end
  let row = 4u * (row0 + ty);
  let col = col0 + tx;
  let ldc = p.ldc / 4u;
  let ci = (p.c0 + zb * p.scb + zh * p.sch) / 4u + row * ldc + col;
  if (col < (p.n + 3u) / 4u) {
//#for i 0 4
    if (row + ${i}u < p.m) { put(ci + ${i}u * ldc, col, s${i}); }
//#end
  }
}
