package ref

// y = a + c * b.
var _ = register("add", func(c *Call) {
	a, b, y, s := c.X("a"), c.X("b"), c.X("y"), c.F("c")
	for i := range 4 * c.N("n4") {
		y[i] = a[i] + s*b[i]
	}
})
