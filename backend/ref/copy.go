package ref

// y = x.
var _ = register("copy", func(c *Call) {
	n := 4 * c.N("n4")
	copy(c.X("y")[:n], c.X("x")[:n])
})
