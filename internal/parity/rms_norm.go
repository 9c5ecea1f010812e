package parity

import "luthier/backend"

// the last fill is far below eps, where rstd is 1 / sqrt(eps)
var _ = register("rms_norm", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for n, s := range rowShapes {
			rows, d := s[0], 4*s[1]
			cases = append(cases, Case{Kernel: "rms_norm", Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "d", d),
				Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d / 4, "eps": 1e-5}, Tol: Reduce(d),
				Args: map[string]Arg{"x": {Elems: rows * d, Fill: spread([]float64{1, 300, 1e-6}[n%3])}, "gamma": {Elems: d},
					"y": {Elems: rows * d}, "rstd": {Elems: rows}}})
		}
	}
	for _, wg := range []int{64, 8} {
		for _, s := range [][2]int{{2, 1}, {6, 36}, {10, 97}} {
			rows, d := s[0], 4*s[1]
			cases = append(cases, Case{Kernel: "rms_norm", Consts: map[string]int{"WG": wg, "PAIR": 1}, Name: num("rows", rows, "d", d, "pair", 2),
				Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d / 4, "eps": 1e-5, "per": rows / 2}, Tol: Reduce(d),
				Args: map[string]Arg{"x": {Elems: rows * d}, "gamma": {Elems: 2 * d}, "y": {Elems: rows * d}, "rstd": {Elems: rows}}})
		}
	}
	return cases
})
