package parity

import "luthier/backend"

var _ = register("add_vec_any", func() []Case { return anyByVec("add_vec_any") })

// anyByVec makes the cases of a kernel of every row with one vector, or a vector for each half of the rows, of any length.
func anyByVec(kernel string) []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][2]int{{1, 1}, {3, 5}, {7, 33}, {130, 3}} {
			n := s[0] * s[1]
			cases = append(cases, Case{
				Kernel: kernel, Consts: map[string]int{"WG": wg}, Name: num("rows", s[0], "d", s[1]), Groups: backend.Grid((n + wg - 1) / wg),
				Args: map[string]Arg{"x": {Elems: n}, "v": {Elems: s[1]}, "y": {Elems: n}}, U: backend.U{"n": n, "d": s[1]}, Tol: Reduce(1),
			})
		}
	}
	for _, s := range [][2]int{{2, 1}, {6, 5}, {14, 33}, {130, 3}} {
		n := s[0] * s[1]
		cases = append(cases, Case{
			Kernel: kernel, Consts: map[string]int{"PAIR": 1}, Name: num("rows", s[0], "d", s[1], "pair", 2), Groups: backend.Grid((n + 63) / 64),
			Args: map[string]Arg{"x": {Elems: n}, "v": {Elems: 2 * up4(s[1])}, "y": {Elems: n}}, U: backend.U{"n": n, "d": s[1], "per": n / 2}, Tol: Reduce(1),
		})
	}
	return cases
}
