package ref

// y[b] = w + a_b z.
var _ = register("zo_copy", func(c *Call) {
	w, z, y := c.X("w"), c.X("z"), c.X("y")
	n := 4 * c.N("n4")
	for b := range c.N("copies") {
		for i := range min(n, len(w)) {
			y[b*n+i] = zoMoved(w[i], z, c.Const("NOISE"), i, zoScalar(z, b), c.Const("SPARSE") == 1)
		}
	}
})
