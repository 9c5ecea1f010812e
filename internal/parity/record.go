package parity

import "luthier/backend"

var _ = register("record", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][3]int{{1, 5, 3}, {9, 4, 11}, {130, 3, 4000000000}} {
			n, rows, slot := s[0], s[1], s[2]
			cases = append(cases, Case{Kernel: "record", Consts: map[string]int{"WG": wg}, Name: num("n", n, "len", rows, "slot", slot),
				Groups: backend.Grid((n + wg - 1) / wg), U: backend.U{"n": n, "len": rows},
				Args: map[string]Arg{"src": {Elems: (n + 3) / 4 * 4}, "ring": {Elems: (n*rows + 3) / 4 * 4},
					"slot": {Elems: 4, DType: backend.U32, Fill: table0(float64(slot))}}})
		}
	}
	return cases
})
