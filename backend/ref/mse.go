package ref

// loss = weight * (pred - targets)^2, 0 where weight is 0 whatever the target.
var _ = register("mse", func(c *Call) {
	p, t, w, loss := c.X("pred"), c.X("targets"), c.X("weight"), c.X("loss")
	for i := range c.N("n") {
		loss[i] = 0
		if w[i] != 0 {
			loss[i] = w[i] * (p[i] - t[i]) * (p[i] - t[i])
		}
	}
})
