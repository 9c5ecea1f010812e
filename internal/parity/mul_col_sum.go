package parity

import "luthier/backend"

// Blocks that do not divide the rows, one block, more columns than a workgroup; what lies behind the last row does not count.
var _ = register("mul_col_sum", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][3]int{{1, 1, 1}, {7, 3, 2}, {130, 70, 32}, {33, 9, 64}} {
			rows, n4, per := s[0], s[1], s[2]
			blocks := (rows + per - 1) / per
			cases = append(cases, Case{Kernel: "mul_col_sum", Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "d", 4*n4, "per", per),
				Groups: [3]uint32{uint32((n4 + wg - 1) / wg), uint32(blocks), 1}, U: backend.U{"rows": rows, "n4": n4, "per": per}, Tol: Reduce(per),
				Args: map[string]Arg{"x": {Elems: 4 * blocks * per * n4}, "dy": {Elems: 4 * blocks * per * n4}, "y": {Elems: 4 * blocks * n4}}})
		}
	}
	return cases
})
