package ref

// y[j, i] = x[i, j] for every batch.
var _ = register("transpose", func(c *Call) {
	x, y := c.X("x"), c.X("y")
	heads, ldx, ldy := c.N("heads"), c.N("ldx"), c.N("ldy")
	for z := range int(c.d.Groups[2]) {
		x0 := c.N("x0") + z/heads*c.N("sxb") + z%heads*c.N("sxh")
		y0 := c.N("y0") + z*c.N("sy")
		for i := range c.N("rows") {
			for j := range c.N("cols") {
				y[y0+j*ldy+i] = x[x0+i*ldx+j]
			}
		}
	}
})
