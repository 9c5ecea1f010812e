// Variant of matmul for GPUs with many registers (NVIDIA, RDNA) and products with m, n >= 512: tiles of 128 x 128, 8 x 8 a thread, so
// that half as much goes through workgroup memory as in matmul_tile. Intel's compiler spills its 64 accumulators.
// Shapes as matmul_tile. Grid: (ceil(n / 128), ceil(m / 128), batches). f32 accumulation in the order of k; c is =, with ACC +=.
// gpucheck: tile_fma=1024 min_fma=75 min_waves=4 max_lds=16384
// gpucheck vega10: min_waves=2
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
//#const COLS 2
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
//#instance TB=1 NOISE=1 BF16=1 BIAS=1 PAIR=1
//#instance NOISE=2
//#instance TB=1 NOISE=2
//#import matmul_tiled
