package parity

import "luthier/backend"

var _ = register("zo_copy", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][4]int{{1, 1, 1, 0}, {97, 2, 1, 0}, {33, 2, 2, 0}, {50, 1, 2, 1}, {97, 2, 1, 1}} { // vec4s, copies, noise, sparse
			cases = append(cases, Case{Kernel: "zo_copy", Consts: map[string]int{"WG": wg, "NOISE": s[2], "SPARSE": s[3]}, Name: num("n4", s[0], "copies", s[1]),
				Groups: backend.Grid((s[0]*s[1] + wg - 1) / wg), U: backend.U{"n4": s[0], "copies": s[1]}, Tol: Reduce(1),
				Args: map[string]Arg{"w": {Elems: 4 * s[0]}, "z": zoPacked(4*s[0], s[2], 1.0/1024, 0.5), "y": {Elems: 4 * s[0] * s[1]}}})
		}
	}
	return cases
})
