package ref

// out[slot] = c * (sum of x).
var _ = register("reduce_sum", func(c *Call) {
	s := 0.0
	for _, v := range c.X("x")[:c.N("n")] {
		s += v
	}
	c.X("out")[c.N("slot")] = c.F("c") * s
})
