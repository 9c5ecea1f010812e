package ref

// y[b, c] = sum over the rows r of block b of x[r, c] * dy[r, c].
var _ = register("mul_col_sum", func(c *Call) {
	x, dy, y := c.X("x"), c.X("dy"), c.X("y")
	rows, d, per := c.N("rows"), 4*c.N("n4"), c.N("per")
	for b := range int(c.d.Groups[1]) {
		for j := range d {
			s := 0.0
			for r := b * per; r < min(b*per+per, rows); r++ {
				s += x[r*d+j] * dy[r*d+j]
			}
			y[b*d+j] = s
		}
	}
})
