package parity

import "luthier/backend"

// Heads within a wider row, as in one matrix of queries, keys and values. V4 wants half, ldx and x0 in fours.
var _ = register("rope", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for v4, shapes := range [][][5]int{ // rows, heads, half, ldx, x0
			{{1, 1, 1, 2, 0}, {7, 3, 5, 37, 3}, {9, 4, 8, 192, 64}},
			{{1, 1, 4, 8, 0}, {7, 3, 12, 100, 20}, {33, 9, 32, 960, 64}},
		} {
			for n, s := range shapes {
				rows, heads, half := s[0], s[1], s[2]
				threads := rows * heads * half / (1 + 3*v4)
				cases = append(cases, Case{Kernel: "rope", Consts: map[string]int{"WG": wg, "V4": v4},
					Name:   num("rows", rows, "heads", heads, "pairs", half, "ldx", s[3], "x0", s[4]),
					Groups: backend.Grid((threads + wg - 1) / wg), Tol: Reduce(2),
					U: backend.U{"rows": rows, "heads": heads, "pairs": half, "ldx": s[3], "x0": s[4], "sgn": []float64{1, -1}[n%2]},
					Args: map[string]Arg{"x": {Elems: rows * s[3]}, "table": {Elems: 50 * 2 * half}, "y": {Elems: rows * heads * 2 * half},
						"positions": {Elems: rows, DType: backend.U32, Fill: indices(50, 49)}}})
			}
		}
	}
	return cases
})
