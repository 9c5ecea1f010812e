package ref

import "math"

// out = the norm and min(1, max_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_; NaN where the norm is not finite.
var _ = register("clip_scale", func(c *Call) {
	s, out := 0.0, c.X("out")
	for _, v := range c.X("norms2")[:c.N("n")] {
		s += v
	}
	out[0], out[1] = math.Sqrt(s), 1
	if m := c.F("max_norm"); m > 0 {
		out[1] = min(1, m/(out[0]+1e-6))
	}
	if bad(out[0]) {
		out[1] = math.NaN()
	}
})
