package ref

// x = value.
var _ = register("fill", func(c *Call) {
	x, v := c.X("x"), c.F("value")
	for i := range 4 * c.N("n4") {
		x[i] = v
	}
})
