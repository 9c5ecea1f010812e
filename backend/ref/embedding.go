package ref

// y[r] = table[ids[r] - lo] for the ids in [lo, hi).
var _ = register("embedding", func(c *Call) {
	ids, table, y := c.X("ids"), c.X("table"), c.X("y")
	d, lo, hi := 4*c.N("d4"), c.N("lo"), c.N("hi")
	for r := range c.N("rows") {
		if id := int(ids[r]); id >= lo && id < hi {
			copy(y[r*d:(r+1)*d], table[(id-lo)*d:])
		}
	}
})
