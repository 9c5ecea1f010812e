package ref

import "math"

// stats[r] = (max, sum exp(z - max), sum z, z[label]), with FIRST of this chunk of logits alone, else merged.
var _ = register("cross_entropy_stats", func(c *Call) {
	z, labels, stats := c.X("logits"), c.X("labels"), c.X("stats")
	nc, ld, v0 := c.N("nc"), c.N("ld"), c.N("v0")
	for r := range c.N("rows") {
		row, s := z[r*ld:][:nc], stats[4*r:][:4]
		if c.Const("FIRST") == 1 {
			s[0], s[1], s[2], s[3] = math.Inf(-1), 0, 0, 0
		}
		for v, x := range row {
			top := max(s[0], x)
			s[1] = s[1]*math.Exp(s[0]-top) + math.Exp(x-top)
			s[0], s[2] = top, s[2]+x
			if v0+v == int(labels[r]) {
				s[3] = x
			}
		}
	}
})
