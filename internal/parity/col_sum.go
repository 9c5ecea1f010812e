package parity

import "luthier/backend"

// a leading dimension above the columns (what lies between stays as it is), blocks that do not divide the rows
var _ = register("col_sum", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, acc := range []int{0, 1} {
			for _, s := range [][4]int{{1, 1, 1, 1}, {7, 3, 5, 2}, {130, 70, 70, 32}, {33, 9, 12, 64}} {
				rows, n4, ld4, per := s[0], s[1], s[2], s[3]
				blocks := (rows + per - 1) / per
				cases = append(cases, Case{Kernel: "col_sum", Consts: map[string]int{"WG": wg, "ACC": acc},
					Name: num("rows", rows, "n", 4*n4, "ld", 4*ld4, "per", per), Groups: columns(n4, wg, blocks),
					U: backend.U{"rows": rows, "n4": n4, "ld4": ld4, "per": per}, Tol: Reduce(per),
					Args: map[string]Arg{"x": {Elems: 4 * rows * ld4}, "y": {Elems: 4 * blocks * ld4}}})
			}
		}
	}
	return cases
})
