package ref

// y[r] = x[idx[r]].
var _ = register("gather_rows", func(c *Call) {
	x, idx, y, d := c.X("x"), c.X("idx"), c.X("y"), 4*c.N("d4")
	for r := range c.N("rows") {
		from := int(idx[r]) * d
		copy(y[r*d:r*d+d], x[from:from+d])
	}
})
