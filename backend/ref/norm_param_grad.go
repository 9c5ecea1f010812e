package ref

// dgamma[b] = sum of dy * xhat and dbeta[b] = sum of dy over the rows of block b.
var _ = register("norm_param_grad", func(c *Call) {
	x, stats, dy, dgamma := c.X("x"), c.X("stats"), c.X("dy"), c.X("dgamma")
	rows, d, per := c.N("rows"), 4*c.N("d4"), c.N("per")
	for b := range int(c.d.Groups[1]) {
		for i := range d {
			g, s := 0.0, 0.0
			for r := b * per; r < min((b+1)*per, rows); r++ {
				mean, rstd := 0.0, stats[r]
				if c.Const("BETA") == 1 {
					mean, rstd = stats[2*r], stats[2*r+1]
				}
				g += dy[r*d+i] * (x[r*d+i] - mean) * rstd
				s += dy[r*d+i]
			}
			dgamma[b*d+i] = g
			if c.Const("BETA") == 1 {
				c.X("dbeta")[b*d+i] = s
			}
		}
	}
})
