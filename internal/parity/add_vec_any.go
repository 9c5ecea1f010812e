package parity

import "luthier/backend"

var _ = register("add_vec_any", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][2]int{{1, 1}, {3, 5}, {7, 33}, {130, 3}} {
			n := s[0] * s[1]
			cases = append(cases, Case{
				Kernel: "add_vec_any", Consts: map[string]int{"WG": wg}, Name: num("rows", s[0], "d", s[1]), Groups: backend.Grid((n + wg - 1) / wg),
				Args: map[string]Arg{"x": {Elems: n}, "v": {Elems: s[1]}, "y": {Elems: n}}, U: backend.U{"n": n, "d": s[1]}, Tol: Reduce(1),
			})
		}
	}
	return cases
})
