package parity

import "luthier/backend"

// blocks that do not divide the rows, one block, more columns than a workgroup
var _ = register("norm_param_grad", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, beta := range []int{1, 0} {
			for _, s := range [][3]int{{1, 1, 1}, {7, 3, 2}, {130, 70, 32}, {33, 9, 64}} {
				rows, d, per := s[0], 4*s[1], s[2]
				blocks := (rows + per - 1) / per
				args := map[string]Arg{"x": {Elems: rows * d}, "stats": {Elems: (1 + beta) * rows, Fill: around(0.6, 0.5)}, "dy": {Elems: rows * d},
					"dgamma": {Elems: blocks * d}}
				if beta == 1 {
					args["dbeta"] = Arg{Elems: blocks * d}
				}
				cases = append(cases, Case{Kernel: "norm_param_grad", Consts: map[string]int{"WG": wg, "BETA": beta},
					Name: num("rows", rows, "d", d, "per", per), Groups: columns(d/4, wg, blocks), Args: args,
					U: backend.U{"rows": rows, "d4": d / 4, "per": per}, Tol: Reduce(per)})
			}
		}
	}
	return cases
})
