package ref

// y = a * b.
var _ = register("mul", func(c *Call) {
	a, b, y := c.X("a"), c.X("b"), c.X("y")
	for i := range 4 * c.N("n4") {
		y[i] = a[i] * b[i]
	}
})
