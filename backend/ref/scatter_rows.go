package ref

// y[idx[r]] = x[r].
var _ = register("scatter_rows", func(c *Call) {
	x, idx, y, d := c.X("x"), c.X("idx"), c.X("y"), 4*c.N("d4")
	for r := range c.N("rows") {
		to := int(idx[r]) * d
		copy(y[to:to+d], x[r*d:r*d+d])
	}
})
