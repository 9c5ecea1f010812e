// Variant of matmul for every GPU: tiles of 128 x 64, 8 x 4 a thread. The most that no compiler spills: 32 accumulators.
// Any m and n; k, lda, ldb, ldc, bias0, offsets and strides % 4 == 0; columns of c from n up to the next multiple of 4 are written (with
// what lies in b past n). Grid: (ceil(n / 64), ceil(m / 128), batches). f32 accumulation in the order of k; c is =, with ACC +=.
// gpucheck: tile_fma=512 min_fma=70 min_waves=4 max_lds=12288
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
//#const COLS 1
//#instance TB=1
//#instance TA=1
//#instance BF16=1
//#instance TB=1 BF16=1
//#instance BIAS=1 ACT=1 PRE=1
//#instance TB=1 BIAS=1 ACT=2 RES=1
//#instance TB=1 BF16=1 BIAS=1 RES=1
//#instance TA=1 ACC=1
//#instance NOISE=1
//#instance TB=1 NOISE=1
//#instance TB=1 NOISE=1 BF16=1 BIAS=1 PAIR=1 ACT=1 RES=1
//#instance NOISE=2
//#instance TB=1 NOISE=2 SPARSE=1
//#instance TB=1 NOISE=1 SPARSE=1
//#import matmul_tiled
