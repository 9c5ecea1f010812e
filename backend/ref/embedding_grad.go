package ref

// de[id - lo] += sum of dy[r] over the rows of token id; segs as shaders/embedding_grad.wgsl says.
var _ = register("embedding_grad", func(c *Call) {
	segs, dy, de := c.X("segs"), c.X("dy"), c.X("de")
	n, d, lo, hi := c.N("n"), 4*c.N("d4"), c.N("lo"), c.N("hi")
	starts, ids, order := segs[1:], segs[n+2:], segs[2*n+2:]
	for s := range int(segs[0]) {
		id := int(ids[s])
		if id < lo || id >= hi {
			continue
		}
		for j := int(starts[s]); j < int(starts[s+1]); j++ {
			for i := range d {
				de[(id-lo)*d+i] += dy[int(order[j])*d+i]
			}
		}
	}
})
