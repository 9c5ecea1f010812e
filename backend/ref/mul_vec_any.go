package ref

// y[i, j] = x[i, j] * v[j].
var _ = register("mul_vec_any", func(c *Call) {
	x, v, y, d := c.X("x"), c.X("v"), c.X("y"), c.N("d")
	for i := range c.N("n") {
		y[i] = x[i] * v[pairRow(c, i)*((d+3)/4*4)+i%d]
	}
})
