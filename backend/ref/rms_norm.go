package ref

import "math"

// y = gamma * x / sqrt(mean(x^2) + eps).
var _ = register("rms_norm", func(c *Call) {
	x, gamma, y, rstd := c.X("x"), c.X("gamma"), c.X("y"), c.X("rstd")
	d := 4 * c.N("d4")
	for r := range c.N("rows") {
		s := 0.0
		for i := range d {
			s += x[r*d+i] * x[r*d+i]
		}
		g := gamma[pairRow(c, r)*d:]
		rstd[r] = 1 / math.Sqrt(s/float64(d)+c.F("eps"))
		for i := range d {
			y[r*d+i] = g[i] * x[r*d+i] * rstd[r]
		}
	}
})
