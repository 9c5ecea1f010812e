package ref

// c = act(alpha * op(a) op(b) + bias) + residual; batches, offsets and leading dimensions as shaders/shared/matmul_params.wgsl says.
var _ = register("matmul", func(c *Call) {
	a, b, y := c.X("a"), c.X("b"), c.X("c")
	m, n, k := c.N("m"), c.N("n"), c.N("k")
	ai, ak := c.N("lda"), 1
	if c.Const("TA") == 1 {
		ai, ak = ak, ai
	}
	bk, bj := c.N("ldb"), 1
	if c.Const("TB") == 1 {
		bk, bj = bj, bk
	}
	heads, ldc := c.N("heads"), c.N("ldc")
	load := func(_, i int) float64 { return b[i] }
	if c.Const("NOISE") != 0 {
		noise := zoLaid(c)
		load = func(zb, i int) float64 { return noise.moved(b[i], i-c.N("z0"), zb) }
	}
	for z := range int(c.d.Groups[2]) {
		zb, zh := z/heads, z%heads
		a0 := c.N("a0") + zb*c.N("sab") + zh/c.N("ga")*c.N("sah")
		b0 := c.N("b0") + zb*c.N("sbb") + zh/c.N("gb")*c.N("sbh")
		c0 := c.N("c0") + zb*c.N("scb") + zh*c.N("sch")
		for i := range m {
			for j := range n {
				s := 0.0
				for l := range k {
					s += a[a0+i*ai+l*ak] * load(zb, b0+l*bk+j*bj)
				}
				epilogue(c, y, c0+i*ldc+j, c.N("bias0")+zb*c.Const("PAIR")*c.N("sbias")+j, c.F("alpha")*s)
			}
		}
	}
})

// epilogue stores one output of matmul; bias is the place of its bias.
func epilogue(c *Call, y []float64, at, bias int, s float64) {
	if c.Const("BIAS") == 1 {
		s += c.X("bias")[bias]
	}
	if c.Const("PRE") == 1 {
		c.X("pre")[at] = s
	}
	if f := c.Const("ACT"); f != 0 {
		s = Activations[f].F(s)
	}
	if c.Const("RES") == 1 {
		s += c.X("residual")[at]
	}
	if c.Const("ACC") == 1 {
		s += y[at]
	}
	y[at] = s
}
