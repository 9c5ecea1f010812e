package ref

import "math"

// dz[v] = (exp(z[v] - lse) - (1 - a) [v == label] - a / vocab) * scale, in place; 0 for a label that is none.
var _ = register("cross_entropy_grad", func(c *Call) {
	z, labels, lse, scale := c.X("logits"), c.X("labels"), c.X("lse"), c.X("scale")[0]
	nc, ld, v0, vocab, a := c.N("nc"), c.N("ld"), c.N("v0"), c.N("vocab"), c.F("smoothing")
	for r := range c.N("rows") {
		row, label := z[r*ld:][:ld], int(labels[r])
		for v := range nc {
			g := math.Exp(row[v]-lse[r]) - a/float64(vocab)
			if v0+v == label {
				g -= 1 - a
			}
			if row[v] = g * scale; label >= vocab {
				row[v] = 0
			}
		}
		if c.Const("V4") == 1 {
			clear(row[nc:])
		}
	}
})
