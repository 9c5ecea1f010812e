package ref

// partial[b] = sum of x^2 over block b.
var _ = register("sumsq", func(c *Call) {
	x, n, per := c.X("x"), c.N("n"), c.N("per")
	for b := range int(c.d.Groups[0]) {
		s := 0.0
		for i := b * per; i < min(b*per+per, n); i++ {
			s += x[i] * x[i]
		}
		c.X("partial")[b] = s
	}
})
