package ref

// y[b] = sum of the rows of block b.
var _ = register("col_sum", func(c *Call) {
	x, y := c.X("x"), c.X("y")
	rows, n, ld, per := c.N("rows"), 4*c.N("n4"), 4*c.N("ld4"), c.N("per")
	for b := range int(c.d.Groups[1]) {
		for i := range n {
			s := 0.0
			for r := b * per; r < min((b+1)*per, rows); r++ {
				s += x[r*ld+i]
			}
			if c.Const("ACC") == 1 {
				s += y[b*ld+i]
			}
			y[b*ld+i] = s
		}
	}
})
