package ref

import "math"

// AdamW as PyTorch has it (Loshchilov and Hutter 2019): the decay acts on the parameter, not through the moments.
var _ = register("adamw", func(c *Call) {
	p, m, v, g, hyper, clip := c.X("p"), c.X("m"), c.X("v"), c.X("g"), c.X("hyper"), c.X("clip")[1]
	b1, b2, eps, wd := c.F("beta1"), c.F("beta2"), c.F("eps"), c.F("wd")
	if bad(clip) {
		return
	}
	lr := c.F("lr_scale") * hyper[0]
	for i := range 4 * c.N("n4") {
		d := clip * g[i]
		p[i] -= lr * wd * p[i]
		m[i] = b1*m[i] + (1-b1)*d
		v[i] = b2*v[i] + (1-b2)*d*d
		p[i] -= lr * (m[i] * hyper[1]) / (math.Sqrt(v[i]*hyper[2]) + eps)
	}
})

// bad is the shaders' test: NaN or infinite.
func bad(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
