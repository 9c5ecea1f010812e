package ref

// y[b] = w + a_b z, row by row.
var _ = register("zo_copy", func(c *Call) {
	w, z, y := c.X("w"), zoLaid(c), c.X("y")
	rows, cols, ld, w0 := c.N("rows"), 4*c.N("c4"), 4*c.N("ld4"), 4*c.N("w0")
	for b := range len(y) / (rows * cols) {
		for i := range rows * cols {
			if src := w0 + i/cols*ld + i%cols; src < len(w) {
				y[b*rows*cols+i] = z.moved(w[src], src, b)
			}
		}
	}
})
