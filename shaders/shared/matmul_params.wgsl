// Uniforms of every matmul variant. Offsets, leading dimensions and strides count elements. Batch z = w.z is (z / heads, z % heads):
// operand a of batch z starts at a0 + (z / heads) * sab + (z % heads) / ga * sah; b and c likewise (c has no divisor).
struct P {
  m: u32, n: u32, k: u32, heads: u32,
  lda: u32, ldb: u32, ldc: u32, bias0: u32,
  a0: u32, b0: u32, c0: u32, ga: u32,
  sab: u32, sah: u32, sbb: u32, sbh: u32,
  scb: u32, sch: u32, gb: u32, alpha: f32,
  sbias: u32, z0: u32, // PAIR: the bias of batch z / heads starts at bias0 + z / heads * sbias; NOISE: the noise of b begins at its element z0
}
