package ref

// y[b] = sum of mask * x over the positions, by the number of those that count (1 if none does).
var _ = register("mean_pool", func(c *Call) {
	x, mask, y := c.X("x"), c.X("mask"), c.X("y")
	t, d := c.N("t"), 4*c.N("d4")
	for b := range c.N("b") {
		n := poolCount(mask[b*t : (b+1)*t])
		for i := range d {
			s := 0.0
			for r := b * t; r < (b+1)*t; r++ {
				if mask[r] != 0 {
					s += x[r*d+i]
				}
			}
			y[b*d+i] = s / n
		}
	}
})

// poolCount is the number of ones in mask, at least 1.
func poolCount(mask []float64) float64 {
	n := 0.0
	for _, m := range mask {
		if m != 0 {
			n++
		}
	}
	return max(n, 1)
}
