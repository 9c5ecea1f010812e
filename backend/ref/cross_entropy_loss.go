package ref

import "math"

// lse = max + log(sum), loss = lse - (1 - a) z[label] - a / vocab * sum z; 0 for a label that is none. HIT: z[label] is the maximum.
var _ = register("cross_entropy_loss", func(c *Call) {
	stats, labels, loss, lse := c.X("stats"), c.X("labels"), c.X("loss"), c.X("lse")
	a, vocab := c.F("smoothing"), c.N("vocab")
	for r := range c.N("rows") {
		s := stats[4*r:]
		lse[r], loss[r] = s[0]+math.Log(s[1]), 0
		if int(labels[r]) < vocab {
			loss[r] = lse[r] - (1-a)*s[3] - a/float64(vocab)*s[2]
		}
		if c.Const("HIT") == 1 {
			c.X("hit")[r] = 0
			if int(labels[r]) < vocab && s[3] >= s[0] {
				c.X("hit")[r] = 1
			}
		}
	}
})
