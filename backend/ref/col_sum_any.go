package ref

// y[b, j] = sum over block b of x[i, j].
var _ = register("col_sum_any", func(c *Call) {
	x, y, n, rows, per := c.X("x"), c.X("y"), c.N("n"), c.N("rows"), c.N("per")
	for i := range (rows + per - 1) / per * n {
		y[i] = 0
	}
	for i := range rows {
		for j := range n {
			y[i/per*n+j] += x[i*n+j]
		}
	}
})
