package parity

import (
	"math"

	"luthier/backend"
)

// Tails that are no multiple of 4 with NaN behind them, one block, many blocks, a block that is empty.
var _ = register("sumsq", func() []Case {
	cases := []Case{}
	for _, wg := range []int{256, 8} {
		for _, s := range [][3]int{{1, 4, 1}, {6, 4, 2}, {4099, 4096, 3}, {10007, 1024, 10}, {2048, 512, 4}, {10, 8, 4}} {
			n, per, blocks := s[0], s[1], s[2]
			x := Arg{Elems: (n + 3) / 4 * 4, Fill: func(i int) float64 {
				if i >= n {
					return math.NaN()
				}
				return math.Sin(float64(i))
			}}
			cases = append(cases, Case{Kernel: "sumsq", Consts: map[string]int{"WG": wg}, Name: num("n", n, "per", per, "blocks", blocks),
				Groups: [3]uint32{uint32(blocks), 1, 1}, Args: map[string]Arg{"x": x, "partial": {Elems: (blocks + 3) / 4 * 4}},
				U: backend.U{"n": n, "per": per}, Tol: Reduce(per)})
		}
	}
	return cases
})
