package parity

import "luthier/backend"

var _ = register("rms_norm_grad", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range rowShapes {
			rows, d := s[0], 4*s[1]
			cases = append(cases, Case{Kernel: "rms_norm_grad", Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "d", d),
				Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d / 4}, Tol: Reduce(d),
				Args: map[string]Arg{"x": {Elems: rows * d}, "gamma": {Elems: d}, "rstd": {Elems: rows, Fill: around(1.7, 0.2)},
					"dy": {Elems: rows * d}, "dx": {Elems: rows * d}}})
		}
	}
	return cases
})
