package ref

// y1 = x1 cos - x2 sin sgn, y2 = x2 cos + x1 sin sgn for the two halves of each head.
var _ = register("rope", func(c *Call) {
	x, table, pos, y := c.X("x"), c.X("table"), c.X("positions"), c.X("y")
	heads, half := c.N("heads"), c.N("pairs")
	for r := range c.N("rows") {
		for h := range heads {
			a := x[r*c.N("ldx")+c.N("x0")+h*2*half:]
			o := y[(r*heads+h)*2*half:]
			t := table[int(pos[r])*2*half:]
			for k := range half {
				cos, sin := t[k], t[half+k]*c.F("sgn")
				o[k] = a[k]*cos - a[half+k]*sin
				o[half+k] = a[half+k]*cos + a[k]*sin
			}
		}
	}
})
