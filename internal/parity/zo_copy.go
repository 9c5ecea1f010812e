package parity

import "luthier/backend"

// Whole vectors, and columns of a matrix that begin inside its rows.
var _ = register("zo_copy", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range []struct{ rows, copies, noise, sparse, bf16, c4, ld4, w0 int }{
			{1, 1, 1, 0, 0, 1, 1, 0}, {1, 2, 1, 0, 0, 97, 97, 0}, {1, 2, 2, 0, 0, 33, 33, 0}, {1, 1, 2, 1, 0, 50, 50, 0}, {1, 2, 1, 1, 0, 97, 97, 0},
			{8, 1, 1, 0, 0, 12, 40, 8}, {33, 2, 1, 0, 1, 12, 40, 28}, {17, 2, 2, 0, 1, 5, 9, 3}, {16, 1, 1, 1, 1, 5, 9, 4},
		} {
			t, elems := backend.F32, 4*(s.w0+s.rows*s.ld4)
			if s.bf16 == 1 {
				t = backend.BF16
			}
			cases = append(cases, Case{Kernel: "zo_copy", Consts: map[string]int{"WG": wg, "NOISE": s.noise, "SPARSE": s.sparse, "BF16": s.bf16},
				Name:   num("rows", s.rows, "copies", s.copies, "c4", s.c4, "ld4", s.ld4, "w0", s.w0),
				Groups: [3]uint32{uint32((s.c4 + wg - 1) / wg), uint32((s.rows + 15) / 16), uint32(s.copies)}, Tol: Reduce(1),
				U:    backend.U{"rows": s.rows, "c4": s.c4, "ld4": s.ld4, "w0": s.w0},
				Args: map[string]Arg{"w": {Elems: elems, DType: t}, "z": zoPacked(elems, s.noise, 1.0/1024, 0.5), "y": {Elems: 4 * s.rows * s.c4 * s.copies}}})
		}
	}
	return cases
})
