package ref

import "math"

// y = gamma * (x - mean) / sqrt(var(x) + eps) + beta.
var _ = register("layer_norm", func(c *Call) {
	x, gamma, beta, y, stats := c.X("x"), c.X("gamma"), c.X("beta"), c.X("y"), c.X("stats")
	d := 4 * c.N("d4")
	for r := range c.N("rows") {
		mean, v := 0.0, 0.0
		for i := range d {
			mean += x[r*d+i] / float64(d)
		}
		for i := range d {
			v += (x[r*d+i] - mean) * (x[r*d+i] - mean) / float64(d)
		}
		rstd := 1 / math.Sqrt(v+c.F("eps"))
		stats[2*r], stats[2*r+1] = mean, rstd
		p := pairRow(c, r) * d
		for i := range d {
			y[r*d+i] = gamma[p+i]*(x[r*d+i]-mean)*rstd + beta[p+i]
		}
	}
})
