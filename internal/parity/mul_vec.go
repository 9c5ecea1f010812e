package parity

import "luthier/backend"

var _ = register("mul_vec", func() []Case { return rowsByVec("mul_vec") })

// rowsByVec makes the cases of a kernel of every row with one vector.
func rowsByVec(kernel string) []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][2]int{{1, 1}, {3, 5}, {7, 36}, {40, 33}} {
			rows, d4 := s[0], s[1]
			cases = append(cases, Case{Kernel: kernel, Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "d", 4*d4),
				Groups: backend.Grid((rows*d4 + wg - 1) / wg), U: backend.U{"n4": rows * d4, "d4": d4}, Tol: Reduce(1),
				Args: map[string]Arg{"x": {Elems: 4 * rows * d4}, "v": {Elems: 4 * d4}, "y": {Elems: 4 * rows * d4}}})
		}
	}
	for _, s := range [][2]int{{2, 1}, {6, 36}, {40, 33}} {
		rows, d4 := s[0], s[1]
		cases = append(cases, Case{Kernel: kernel, Consts: map[string]int{"PAIR": 1}, Name: num("rows", rows, "d", 4*d4, "pair", 2),
			Groups: backend.Grid((rows*d4 + 63) / 64), U: backend.U{"n4": rows * d4, "d4": d4, "per": rows / 2 * d4}, Tol: Reduce(1),
			Args: map[string]Arg{"x": {Elems: 4 * rows * d4}, "v": {Elems: 8 * d4}, "y": {Elems: 4 * rows * d4}}})
	}
	return cases
}
