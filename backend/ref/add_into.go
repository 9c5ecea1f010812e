package ref

// y += c * x.
var _ = register("add_into", func(c *Call) {
	x, y, s := c.X("x"), c.X("y"), c.F("c")
	for i := range 4 * c.N("n4") {
		y[i] += s * x[i]
	}
})
