package ref

// ds = p * (dp - sum_j p * dp) * scale, in place of dp; a row is a key.
var _ = register("attn_softmax_grad", func(c *Call) {
	p, dp := c.X("p"), c.X("dp")
	tq, tk, ld := c.N("tq"), c.N("tk"), c.N("ldq")
	for z := range int(c.d.Groups[1]) {
		for i := range ld {
			sum := 0.0
			for j := range tk {
				sum += p[(z*tk+j)*ld+i] * dp[(z*tk+j)*ld+i]
			}
			for j := range tk {
				at := (z*tk+j)*ld + i
				if dp[at] = p[at] * (dp[at] - sum) * c.F("scale"); i >= tq {
					dp[at] = 0
				}
			}
		}
	}
})
