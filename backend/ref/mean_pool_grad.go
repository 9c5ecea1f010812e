package ref

// dx[b, t] = mask[b, t] * dy[b] by the number of positions that count.
var _ = register("mean_pool_grad", func(c *Call) {
	dy, mask, dx := c.X("dy"), c.X("mask"), c.X("dx")
	t, d := c.N("t"), 4*c.N("d4")
	for b := range c.N("b") {
		n := poolCount(mask[b*t : (b+1)*t])
		for r := b * t; r < (b+1)*t; r++ {
			for i := range d {
				if dx[r*d+i] = 0; mask[r] != 0 {
					dx[r*d+i] = dy[b*d+i] / n
				}
			}
		}
	}
})
