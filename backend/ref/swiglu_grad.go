package ref

// dg = dy * u * silu'(g), du = dy * silu(g).
var _ = register("swiglu_grad", func(c *Call) {
	g, u, dy, dg, du := c.X("g"), c.X("u"), c.X("dy"), c.X("dg"), c.X("du")
	silu := Activations[5]
	for i := range 4 * c.N("n4") {
		dg[i] = dy[i] * u[i] * silu.D(g[i])
		du[i] = dy[i] * silu.F(g[i])
	}
})
