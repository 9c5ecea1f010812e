package ref

// dx = rstd * (g - mean(g) - xhat * mean(g * xhat)), g = gamma * dy.
var _ = register("layer_norm_grad", func(c *Call) {
	x, gamma, stats, dy, dx := c.X("x"), c.X("gamma"), c.X("stats"), c.X("dy"), c.X("dx")
	d := 4 * c.N("d4")
	for r := range c.N("rows") {
		mean, rstd, a, b := stats[2*r], stats[2*r+1], 0.0, 0.0
		for i := range d {
			g := gamma[i] * dy[r*d+i] / float64(d)
			a += g
			b += g * (x[r*d+i] - mean) * rstd
		}
		for i := range d {
			dx[r*d+i] = rstd * (gamma[i]*dy[r*d+i] - a - (x[r*d+i]-mean)*rstd*b)
		}
	}
})
