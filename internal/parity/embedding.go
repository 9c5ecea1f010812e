package parity

import "luthier/backend"

// ids below lo, at hi and beyond leave the row alone
var _ = register("embedding", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for bf16, t := range []backend.DType{backend.F32, backend.BF16} {
			for _, s := range [][5]int{{1, 1, 2, 0, 2}, {19, 7, 11, 0, 11}, {13, 65, 30, 10, 17}, {33, 64, 9, 8, 9}} {
				rows, d, vocab, lo, hi := s[0], 4*s[1], s[2], s[3], s[4]
				cases = append(cases, Case{Kernel: "embedding", Consts: map[string]int{"WG": wg, "BF16": bf16},
					Name: num("rows", rows, "d", d, "lo", lo, "hi", hi), Groups: backend.Grid(rows),
					U: backend.U{"rows": rows, "d4": d / 4, "lo": lo, "hi": hi}, // copies, so nothing may differ
					Args: map[string]Arg{"ids": {Elems: rows, DType: backend.U32, Fill: indices(vocab, ignored)},
						"table": {Elems: (hi - lo) * d, DType: t}, "y": {Elems: rows * d}}})
			}
		}
	}
	for _, noise := range []int{1, 2, 3} {
		for _, s := range [][6]int{{4, 1, 3, 0, 0, 64}, {18, 9, 11, 0, 0, 8}, {18, 96, 11, 1, 1, 64}, {18, 9, 11, 1, 0, 8}, {6, 8, 11, 0, 1, 64}} {
			cases = append(cases, embeddingNoise(noise, s[0], 4*s[1], s[2], s[3], s[4], s[5]))
		}
	}
	return append(cases, embeddingFolded())
})

// embeddingFolded has more rows than one grid dimension takes, and not a multiple of it.
func embeddingFolded() Case {
	rows := 32768 + 5
	return Case{Kernel: "embedding", Consts: map[string]int{"WG": 8}, Name: num("rows", rows, "d", 4), Groups: backend.Grid(rows),
		U:    backend.U{"rows": rows, "d4": 1, "lo": 0, "hi": 100},
		Args: map[string]Arg{"ids": {Elems: rows, DType: backend.U32, Fill: indices(100, 0)}, "table": {Elems: 400}, "y": {Elems: 4 * rows}}}
}

// embeddingNoise has rows of two halves, each with its own scalar.
func embeddingNoise(noise, rows, d, vocab, bf16, sparse, wg int) Case {
	t := backend.F32
	if bf16 == 1 {
		t = backend.BF16
	}
	return Case{Kernel: "embedding", Consts: map[string]int{"WG": wg, "NOISE": noise, "BF16": bf16, "SPARSE": sparse}, Name: num("rows", rows, "d", d),
		Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d / 4, "lo": 0, "hi": vocab, "tensor": 2, "per": rows / 2}, Tol: Reduce(1),
		Args: map[string]Arg{"ids": {Elems: rows, DType: backend.U32, Fill: indices(vocab, 0)}, "table": {Elems: vocab * d, DType: t},
			"y": {Elems: rows * d}, "zo": zoTable(1.0/1024, 0.5)}}
}
