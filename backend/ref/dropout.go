package ref

// y = keep ? x * scale : 0; element 4 i + j is kept iff word j of Philox at counter (i, salt, seed[2], seed[3]) is >= threshold.
var _ = register("dropout", func(c *Call) {
	x, y, seed := c.X("x"), c.X("y"), c.X("seed")
	key := [2]uint32{uint32(seed[0]), uint32(seed[1])}
	for i := range c.N("n4") {
		w := Philox([4]uint32{uint32(i), uint32(c.N("salt")), uint32(seed[2]), uint32(seed[3])}, key)
		for j := range 4 {
			if y[4*i+j] = 0; int(w[j]) >= c.N("threshold") {
				y[4*i+j] = x[4*i+j] * c.F("scale")
			}
		}
	}
})
