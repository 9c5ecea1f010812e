package ref

// x = x + 1.
var _ = register("tick", func(c *Call) {
	c.X("x")[0]++
})
