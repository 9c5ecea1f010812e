package parity

import "luthier/backend"

var _ = register("scale", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, n4 := range []int{1, 7, 64, 1000} {
			cases = append(cases, Case{
				Kernel: "scale", Consts: map[string]int{"WG": wg}, Name: num("n4", n4), Groups: backend.Grid((n4 + wg - 1) / wg),
				Args: map[string]Arg{"x": {Elems: 4 * n4}, "y": {Elems: 4 * n4}}, U: backend.U{"n4": n4, "c": 0.37}, Tol: Reduce(1),
			})
		}
	}
	return cases
})
