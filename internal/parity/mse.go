package parity

import (
	"math"

	"luthier/backend"
)

var _ = register("mse", func() []Case { return squares("mse", "loss", nil) })

// squares makes the cases of mse and its gradient; every fifth target is missing: NaN, of weight 0.
func squares(kernel, out string, more map[string]Arg) []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, n := range []int{1, 13, 64, 1003} {
			n4 := (n + 3) / 4 * 4
			args := map[string]Arg{"pred": {Elems: n4}, out: {Elems: n4},
				"targets": {Elems: n4, Fill: func(i int) float64 {
					if i%5 == 3 {
						return math.NaN()
					}
					return math.Sin(float64(i))
				}},
				"weight": {Elems: n4, Fill: func(i int) float64 {
					if i%5 == 3 {
						return 0
					}
					return float64(1 + i%2)
				}}}
			for k, v := range more {
				args[k] = v
			}
			cases = append(cases, Case{Kernel: kernel, Consts: map[string]int{"WG": wg}, Name: num("n", n),
				Groups: backend.Grid((n + wg - 1) / wg), Args: args, U: backend.U{"n": n}, Tol: Reduce(2)})
		}
	}
	return cases
}
