package ref

// SGD as PyTorch has it, dampening 0; without a momentum buffer where MOM is 0.
var _ = register("sgd", func(c *Call) {
	p, g, clip := c.X("p"), c.X("g"), c.X("clip")[1]
	mu, wd, lr := c.F("mu"), c.F("wd"), c.F("lr_scale")*c.X("hyper")[0]
	if bad(clip) {
		return
	}
	for i := range 4 * c.N("n4") {
		d := clip*g[i] + wd*p[i]
		if c.Const("MOM") == 1 {
			buf := c.X("buf")
			buf[i] = mu*buf[i] + d
			if c.N("nesterov") != 0 {
				d += mu * buf[i]
			} else {
				d = buf[i]
			}
		}
		p[i] -= lr * d
	}
})
