package parity

import "luthier/backend"

// Rows with a mean far above their spread are where a one-pass variance fails. The bound is on the output's error, and an error of the
// mean of one unit in its last place is (mean / spread) of it there.
var _ = register("layer_norm", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range rowShapes {
			for _, mean := range []float64{0, 30} {
				rows, d := s[0], 4*s[1]
				cases = append(cases, Case{Kernel: "layer_norm", Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "d", d, "mean", mean),
					Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d / 4, "eps": 1e-12}, Tol: Reduce(d) * (1 + mean),
					Args: map[string]Arg{"x": {Elems: rows * d, Fill: around(mean, 1)}, "gamma": {Elems: d}, "beta": {Elems: d},
						"y": {Elems: rows * d}, "stats": {Elems: 2 * rows}}})
			}
		}
	}
	for _, wg := range []int{64, 8} {
		for _, s := range [][2]int{{2, 1}, {6, 36}, {10, 97}} {
			rows, d := s[0], 4*s[1]
			cases = append(cases, Case{Kernel: "layer_norm", Consts: map[string]int{"WG": wg, "PAIR": 1}, Name: num("rows", rows, "d", d, "pair", 2),
				Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d / 4, "eps": 1e-5, "per": rows / 2}, Tol: Reduce(d),
				Args: map[string]Arg{"x": {Elems: rows * d}, "gamma": {Elems: 2 * d}, "beta": {Elems: 2 * d}, "y": {Elems: rows * d}, "stats": {Elems: 2 * rows}}})
		}
	}
	return cases
})
