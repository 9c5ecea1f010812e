package parity

import "luthier/backend"

// Integers must agree to the bit: parts that begin at any row, odd shapes, transposed storage with and without whole tiles, elements just
// below 2^32. Words behind the noise stay as they are.
var _ = register("zo_noise", func() []Case {
	const spare = 5
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range []struct{ kind, t, tile, rows, cols, ld, row0 int }{
			{1, 0, 0, 1, 1, 1, 0}, {1, 0, 0, 7, 384, 384, 0}, {1, 0, 0, 5, 12, 12, 3}, {1, 0, 0, 33, 8, 8, 0}, {1, 0, 0, 9, 36, 36, 1000}, {1, 0, 0, 2, 100, 100, 0},
			{1, 1, 0, 8, 20, 8, 0}, {1, 1, 0, 5, 384, 8, 4}, {1, 1, 0, 70, 33, 72, 0}, {1, 1, 32, 64, 96, 64, 0}, {1, 1, 32, 30, 32, 32, 5}, {1, 1, 64, 96, 192, 96, 77}, {1, 1, 64, 30, 64, 32, 1}, {1, 1, 128, 64, 128, 64, 0}, {1, 1, 128, 30, 128, 32, 5}, {1, 1, 128, 96, 640, 96, 77},
			{2, 0, 0, 3, 5, 5, 2}, {2, 0, 0, 9, 64, 64, 0}, {2, 1, 0, 6, 5, 8, 3}, {3, 0, 0, 9, 12, 12, 0}, {3, 0, 0, 5, 3, 3, 7}, {3, 1, 0, 10, 7, 12, 4},
			{2, 0, 0, 6, 20, 20, 7}, {2, 1, 0, 6, 8, 8, 3}, {2, 1, 0, 33, 36, 36, 0}, {3, 0, 0, 6, 20, 20, 7}, {3, 1, 0, 10, 8, 12, 5}, {3, 1, 0, 33, 36, 36, 0},
			{1, 0, 0, 6, 8, 8, 1<<29 - 6}, {1, 0, 0, 5, 12, 12, (1<<32-4)/12 - 5}, {1, 1, 0, 8, 8, 8, 1<<29 - 8}, {1, 1, 32, 32, 32, 32, 1<<27 - 32}, {1, 1, 64, 32, 64, 32, 1<<26 - 32}, {1, 1, 128, 32, 128, 32, 1<<25 - 32},
			{2, 0, 0, 6, 8, 8, 1<<29 - 6}, {2, 1, 0, 8, 8, 8, 1<<29 - 8}, {3, 0, 0, 6, 8, 8, 1<<29 - 6}, {3, 1, 0, 8, 8, 8, 1<<29 - 8},
		} {
			elems := s.rows * s.cols
			if s.t == 1 {
				elems = s.ld * s.cols
			}
			words := (elems + 3) / 4
			if s.kind == 1 {
				words = (elems + 31) / 32
			}
			threads := (words + 3) / 4
			switch {
			case s.tile > 0:
				threads = words / s.tile
			case s.kind == 1 && s.t == 1:
				threads = words
			}
			cases = append(cases, Case{Kernel: "zo_noise", Consts: map[string]int{"WG": wg, "KIND": s.kind, "T": s.t, "TILE": s.tile},
				Name: num("rows", s.rows, "cols", s.cols, "ld", s.ld, "row0", s.row0), Groups: backend.Grid((threads + wg - 1) / wg),
				U:    backend.U{"tensor": 5, "rows": s.rows, "cols": s.cols, "ld": s.ld, "row0": s.row0, "words": words},
				Args: map[string]Arg{"zo": zoTable(1e-3, 0.5), "z": {Elems: 8 + words + spare, DType: backend.U32, Fill: func(int) float64 { return 3 }}}})
		}
	}
	return cases
})
