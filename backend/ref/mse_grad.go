package ref

// dp = 2 * (pred - targets) * weight * scale, 0 where weight is 0 whatever the target.
var _ = register("mse_grad", func(c *Call) {
	p, t, w, scale, dp := c.X("pred"), c.X("targets"), c.X("weight"), c.X("scale")[0], c.X("dp")
	for i := range c.N("n") {
		dp[i] = 0
		if w[i] != 0 {
			dp[i] = 2 * (p[i] - t[i]) * w[i] * scale
		}
	}
})
