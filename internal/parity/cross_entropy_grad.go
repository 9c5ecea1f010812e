package parity

import "luthier/backend"

// Labels in the chunk, behind it and ignored; the smallest lse is a little below the largest logit, so that exp stays of the order of 1.
var _ = register("cross_entropy_grad", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for v4, shapes := range [][][4]int{ // rows, nc, ld, v0
			{{1, 1, 1, 0}, {8, 37, 41, 0}, {9, 300, 300, 30}},
			{{1, 1, 4, 0}, {8, 37, 44, 0}, {9, 303, 304, 30}, {7, 39, 52, 5}, {3, 2048, 2048, 0}},
		} {
			for _, s := range shapes {
				rows, nc, ld, v0 := s[0], s[1], s[2], s[3]
				vocab := 2*nc + v0
				cases = append(cases, Case{Kernel: "cross_entropy_grad", Consts: map[string]int{"WG": wg, "V4": v4},
					Name: num("rows", rows, "nc", nc, "ld", ld, "v0", v0), Groups: backend.Grid(rows), Tol: Reduce(1),
					U: backend.U{"rows": rows, "nc": nc, "ld": ld, "v0": v0, "vocab": vocab, "smoothing": 0.1},
					Args: map[string]Arg{"logits": {Elems: rows * ld, Fill: spread(15)}, "lse": {Elems: rows, Fill: around(15, 1)},
						"labels": {Elems: rows, DType: backend.U32, Fill: indices(vocab, ignored)},
						"scale":  {Elems: 1, Fill: func(int) float64 { return 1.0 / 64 }}}})
			}
		}
	}
	return cases
})
