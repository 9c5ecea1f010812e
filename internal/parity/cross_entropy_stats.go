package parity

import "luthier/backend"

// Chunks within a vocabulary, columns behind the chunk, labels before, in and behind it. Four numbers of one row are of different size
// (sum exp up to nc, z of 15), so that the bound relative to the largest is loose for the small ones; cross_entropy_loss ties them up.
var _ = register("cross_entropy_stats", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, first := range []int{1, 0} {
			for v4, shapes := range [][][4]int{ // rows, nc, ld, v0
				{{1, 1, 1, 0}, {5, 37, 41, 0}, {9, 300, 300, 30}},
				{{1, 1, 4, 0}, {5, 37, 44, 0}, {9, 303, 304, 30}, {3, 2048, 2048, 0}},
			} {
				for _, s := range shapes {
					rows, nc, ld, v0 := s[0], s[1], s[2], s[3]
					cases = append(cases, Case{Kernel: "cross_entropy_stats", Consts: map[string]int{"WG": wg, "V4": v4, "FIRST": first},
						Name: num("rows", rows, "nc", nc, "ld", ld, "v0", v0), Groups: backend.Grid(rows), Tol: Reduce(nc),
						U: backend.U{"rows": rows, "nc": nc, "ld": ld, "v0": v0},
						Args: map[string]Arg{"logits": {Elems: rows * ld, Fill: spread(15)}, "stats": {Elems: 4 * rows, Fill: around(10, 8)},
							"labels": {Elems: rows, DType: backend.U32, Fill: indices(2*nc+v0, ignored)}}})
				}
			}
		}
	}
	return cases
})
