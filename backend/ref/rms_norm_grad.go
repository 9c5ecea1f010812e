package ref

// dx = rstd * gamma * dy - x * rstd^3 * mean(gamma * dy * x).
var _ = register("rms_norm_grad", func(c *Call) {
	x, gamma, rstd, dy, dx := c.X("x"), c.X("gamma"), c.X("rstd"), c.X("dy"), c.X("dx")
	d := 4 * c.N("d4")
	for r := range c.N("rows") {
		s := 0.0
		for i := range d {
			s += gamma[i] * dy[r*d+i] * x[r*d+i]
		}
		s /= float64(d)
		for i := range d {
			dx[r*d+i] = rstd[r]*gamma[i]*dy[r*d+i] - x[r*d+i]*rstd[r]*rstd[r]*rstd[r]*s
		}
	}
})
