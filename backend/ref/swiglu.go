package ref

// y = silu(g) * u.
var _ = register("swiglu", func(c *Call) {
	g, u, y := c.X("g"), c.X("u"), c.X("y")
	for i := range 4 * c.N("n4") {
		y[i] = g[i] * sigmoid(g[i]) * u[i]
	}
})
