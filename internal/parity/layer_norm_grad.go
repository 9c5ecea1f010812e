package parity

import "luthier/backend"

var _ = register("layer_norm_grad", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range rowShapes {
			rows, d := s[0], 4*s[1]
			cases = append(cases, Case{Kernel: "layer_norm_grad", Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "d", d),
				Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d / 4}, Tol: Reduce(d),
				Args: map[string]Arg{"x": {Elems: rows * d}, "gamma": {Elems: d}, "stats": {Elems: 2 * rows, Fill: around(0.6, 0.5)},
					"dy": {Elems: rows * d}, "dx": {Elems: rows * d}}})
		}
	}
	return cases
})
