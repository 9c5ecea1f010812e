package parity

import "luthier/shaders"

var _ = register("col_sum_any", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][3]int{{1, 1, 1}, {5, 3, 2}, {129, 7, 64}, {64, 66, 64}} {
			rows, n, per := s[0], s[1], s[2]
			blocks := (rows + per - 1) / per
			cases = append(cases, Case{
				Kernel: "col_sum_any", Consts: shaders.Consts{"WG": wg}, Name: num("rows", rows, "n", n, "per", per),
				Groups: [3]uint32{uint32((n + wg - 1) / wg), uint32(blocks), 1},
				Args:   map[string]Arg{"x": {Elems: rows * n}, "y": {Elems: blocks * n}},
				U:      map[string]any{"rows": rows, "n": n, "per": per}, Tol: Reduce(per),
			})
		}
	}
	return cases
})
