package parity

import "luthier/backend"

// Whole vectors, and columns of a matrix that begin inside its rows.
var _ = register("zo_copy", func() []Case {
	cases := []Case{}
	for _, form := range []struct{ wg, make, many int }{{64, 0, 0}, {8, 0, 0}, {64, 1, 0}, {64, 0, 1}} {
		for _, s := range []struct{ rows, copies, noise, sparse, bf16, c4, ld4, w0 int }{
			{1, 1, 1, 0, 0, 1, 1, 0}, {1, 2, 1, 0, 0, 97, 97, 0}, {1, 2, 2, 0, 0, 33, 33, 0}, {1, 1, 2, 1, 0, 50, 50, 0}, {1, 2, 1, 1, 0, 97, 97, 0},
			{8, 1, 1, 0, 0, 12, 40, 8}, {33, 2, 1, 0, 1, 12, 40, 28}, {17, 2, 2, 0, 1, 5, 9, 3}, {16, 1, 1, 1, 1, 5, 9, 4},
			{33, 2, 1, 0, 0, 16, 40, 8}, {33, 1, 1, 0, 0, 16, 40, 8}, {5, 1, 1, 1, 0, 24, 24, 0}, {70, 2, 2, 0, 1, 8, 16, 8}, {6, 2, 2, 1, 1, 8, 16, 8}, {3, 2, 1, 1, 1, 8, 8, 16},
		} {
			t, elems := backend.F32, 4*(s.w0+s.rows*s.ld4)
			if s.bf16 == 1 {
				t = backend.BF16
			}
			u, z, zArg := backend.U{"rows": s.rows, "c4": s.c4, "ld4": s.ld4, "w0": s.w0}, "z", zoPacked(elems, s.noise, 1.0/1024, 0.5)
			if form.make == 1 {
				if s.noise != 1 {
					continue
				}
				z, zArg, u["tensor"], u["e0"] = "zo", zoTable(1.0/1024, 0.5), 3, 64
			}
			many, groups := 0, [3]uint32{uint32((s.c4 + form.wg - 1) / form.wg), uint32((s.rows + 15) / 16), uint32(s.copies)}
			if form.many == 1 {
				if s.c4%8 != 0 || s.ld4%8 != 0 || s.w0%8 != 0 {
					continue
				}
				many, groups = s.copies, backend.Grid((s.rows*s.c4/8+form.wg-1)/form.wg)
			}
			cases = append(cases, Case{Kernel: "zo_copy", Consts: map[string]int{"WG": form.wg, "NOISE": s.noise, "SPARSE": s.sparse, "BF16": s.bf16, "MAKE": form.make, "MANY": many},
				Name:   num("rows", s.rows, "copies", s.copies, "c4", s.c4, "ld4", s.ld4, "w0", s.w0),
				Groups: groups, Tol: Reduce(1), U: u,
				Args: map[string]Arg{"w": {Elems: elems, DType: t}, z: zArg, "y": {Elems: 4 * s.rows * s.c4 * s.copies}}})
		}
	}
	return cases
})
