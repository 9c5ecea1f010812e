package zeroth

import "math"

var _ = register(Variant{Name: "mezo-sign", Paper: "Zhang et al. 2024, 2402.11592", About: "a step of fixed length against the sign of the estimate (ZO-SGD-Sign)",
	rule: func(o *Options) rule { return spsa{bend: sign} }})

// sign of 0 and of what is not finite is the number itself: the step is skipped then.
func sign(g float64) float64 {
	if g == 0 || !finite(g) {
		return g
	}
	return math.Copysign(1, g)
}
