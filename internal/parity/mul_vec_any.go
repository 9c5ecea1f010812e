package parity

var _ = register("mul_vec_any", func() []Case { return anyByVec("mul_vec_any") })
