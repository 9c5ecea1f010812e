package parity

import (
	"math"

	"luthier/backend"
)

var _ = register("adamw", func() []Case {
	cases := []Case{}
	for _, clip := range []float64{0.8, math.NaN(), math.Inf(1)} {
		for _, c := range flatWith("adamw", nil, Reduce(8), backend.U{"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "wd": 0.1, "lr_scale": 0.5}, func(n4 int) map[string]Arg {
			n := 4 * n4
			square := func(i int) float64 { return float64(i%17) / 17 } // v is never negative
			return map[string]Arg{"p": {Elems: n}, "m": {Elems: n}, "v": {Elems: n, Fill: square}, "g": {Elems: n},
				"hyper": {Elems: 8, Fill: table0(0.2, 1/(1-0.9*0.9), 1/(1-0.999*0.999))}, "clip": {Elems: 4, Fill: table0(3, clip)}}
		}) {
			c.Name += num(" clip", clip)
			cases = append(cases, c)
		}
	}
	return cases
})

// table0 fills a buffer with the given values, then zeros.
func table0(vals ...float64) func(int) float64 {
	return func(i int) float64 {
		if i < len(vals) {
			return vals[i]
		}
		return 0
	}
}
