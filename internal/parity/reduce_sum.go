package parity

import "luthier/backend"

var _ = register("reduce_sum", func() []Case {
	cases := []Case{}
	for _, wg := range []int{256, 8} {
		for _, n := range []int{1, 7, 8, 255, 1031, 100003} {
			cases = append(cases, Case{Kernel: "reduce_sum", Consts: map[string]int{"WG": wg}, Name: num("n", n), Groups: [3]uint32{1, 1, 1},
				// all of one sign, so that the sum is no difference of large numbers
				Args: map[string]Arg{"x": {Elems: (n + 3) / 4 * 4, Fill: func(i int) float64 { return float64(1+i%13) / 13 }}, "out": {Elems: 8}},
				U:    backend.U{"n": n, "slot": 5, "c": 1 / float64(n)}, Tol: Reduce(n)})
		}
	}
	return cases
})
