package ref

// dx = dy * f'(x).
var _ = register("activation_grad", func(c *Call) {
	x, dy, dx, f := c.X("x"), c.X("dy"), c.X("dx"), Activations[c.Const("ACT")]
	for i := range 4 * c.N("n4") {
		dx[i] = dy[i] * f.D(x[i])
	}
})
