package parity

import (
	"math"

	"luthier/backend"
)

// A norm above and below the bound, no bound, and norms that are not finite.
var _ = register("clip_scale", func() []Case {
	cases := []Case{}
	for _, wg := range []int{256, 8} {
		for _, n := range []int{1, 9, 300} {
			for _, maxNorm := range []float64{0, 0.25, 1000} {
				for _, first := range []float64{0.5, math.NaN(), math.Inf(1)} {
					fill := func(i int) float64 {
						if i == 0 {
							return first
						}
						return float64(i%7) / 7
					}
					cases = append(cases, Case{Kernel: "clip_scale", Consts: map[string]int{"WG": wg}, Groups: [3]uint32{1, 1, 1},
						Name: num("n", n, "max", maxNorm, "first", first), Args: map[string]Arg{"norms2": {Elems: (n + 3) / 4 * 4, Fill: fill}, "out": {Elems: 4}},
						U: backend.U{"n": n, "max_norm": maxNorm}, Tol: Reduce(n)})
				}
			}
		}
	}
	return cases
})
