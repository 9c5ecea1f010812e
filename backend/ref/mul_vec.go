package ref

// y[r, c] = x[r, c] * v[c].
var _ = register("mul_vec", func(c *Call) {
	x, v, y, d := c.X("x"), c.X("v"), c.X("y"), 4*c.N("d4")
	for i := range 4 * c.N("n4") {
		y[i] = x[i] * v[pairRow(c, i/4)*d+i%d]
	}
})
