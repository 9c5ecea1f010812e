package parity

import "luthier/backend"

var _ = register("gather_rows", func() []Case { return rowMoves("gather_rows", "x", "y") })

// rowMoves makes the cases of a kernel that moves rows by number: few of 71 rows that lie in big, all of them, and more columns than lanes.
func rowMoves(kernel, big, small string) []Case {
	cases := []Case{}
	const all = 71
	for _, wg := range []int{64, 8} {
		for _, s := range [][2]int{{1, 1}, {13, 9}, {all, 77}} {
			rows, d4 := s[0], s[1]
			cases = append(cases, Case{Kernel: kernel, Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "d", 4*d4),
				Groups: backend.Grid(rows), U: backend.U{"rows": rows, "d4": d4},
				Args: map[string]Arg{big: {Elems: all * 4 * d4}, small: {Elems: rows * 4 * d4},
					"idx": {Elems: (rows + 3) / 4 * 4, DType: backend.U32, Fill: func(i int) float64 { return float64((i*29 + 5) % all) }}}})
		}
	}
	return cases
}
