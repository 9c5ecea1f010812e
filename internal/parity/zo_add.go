package parity

import (
	"fmt"
	"math"

	"luthier/backend"
)

// One addition an element, bf16 by chance: nothing may differ by a bit.
var _ = register("zo_add", func() []Case {
	cases := []Case{}
	for _, form := range []struct{ wg, many, make int }{{64, 0, 0}, {8, 0, 0}, {64, 1, 0}, {64, 0, 1}, {64, 1, 1}} {
		for _, s := range []struct{ n4, noise, bf16, t, sparse, cols, ld, row0, w0 int }{
			{1, 1, 0, 0, 0, 4, 4, 0, 0}, {77, 1, 0, 0, 0, 28, 28, 3, 0}, {130, 2, 0, 0, 0, 40, 40, 0, 0}, {77, 1, 0, 0, 1, 28, 28, 0, 0}, {60, 2, 0, 0, 1, 28, 28, 0, 0},
			{78, 1, 1, 0, 0, 12, 12, 5, 0}, {90, 2, 1, 0, 0, 24, 24, 0, 0}, {84, 1, 1, 1, 0, 28, 12, 0, 0}, {84, 2, 1, 1, 1, 28, 12, 7, 0},
			{77, 1, 0, 0, 0, 28, 28, 8, 56}, {77, 1, 0, 0, 0, 28, 28, 32, 56}, {500, 1, 0, 0, 1, 1000, 1000, 0, 0}, {90, 1, 1, 0, 0, 24, 24, 16, 2}, {78, 1, 1, 0, 0, 12, 12, 5, 15}, {90, 2, 1, 0, 0, 24, 24, 2, 12},
			{77, 1, 1, 0, 1, 28, 28, 4, 3}, {96, 1, 1, 1, 0, 24, 16, 0, 0}, {72, 2, 1, 1, 1, 24, 12, 5, 0}, {3200, 1, 1, 1, 0, 40, 320, 0, 0},
		} {
			t := backend.F32
			if s.bf16 == 1 {
				t = backend.BF16
			}
			e0, threads, z, zArg := s.row0*s.cols, s.n4, "z", zoPacked(4*s.n4, s.noise, 1.0/1024, 0.5)
			if form.make == 1 {
				if s.noise != 1 || s.t == 1 || e0%128 != 0 {
					continue
				}
				z, zArg = "zo", zoTable(1.0/1024, 0.5)
			}
			if form.many == 1 {
				if s.bf16 == 1 && (s.t == 1 && s.cols%8 != 0 || e0%8 != 0) {
					continue
				}
				threads = (s.n4 + 7) / 8
				if form.make == 1 && s.bf16 == 0 {
					threads = (s.n4 + 31) / 32
				}
			}
			cases = append(cases, Case{Kernel: "zo_add", Consts: map[string]int{"WG": form.wg, "NOISE": s.noise, "BF16": s.bf16, "T": s.t, "SPARSE": s.sparse, "MANY": form.many, "MAKE": form.make},
				Name: fmt.Sprintf("n%d cols%d ld%d row0 %d w0 %d", 4*s.n4, s.cols, s.ld, s.row0, s.w0), Groups: backend.Grid((threads + form.wg - 1) / form.wg),
				U:    backend.U{"n4": s.n4, "tensor": 3, "cols": s.cols, "ld": s.ld, "e0": e0, "w0": s.w0},
				Args: map[string]Arg{"w": {Elems: 4 * (s.w0 + s.n4), DType: t}, z: zArg}})
		}
	}
	return append(cases, zoAddSpecial(0, 0), zoAddSpecial(1, 0), zoAddSpecial(0, 1), zoAddSpecial(1, 1))
})

// zoAddSpecial has bf16 weights that are not finite, or become so: those are cut off and not rounded by chance, the largest finite ones may
// round to infinity.
func zoAddSpecial(transposed, many int) Case {
	values := []float64{math.Inf(1), math.Inf(-1), math.NaN(), 3.38953139e38, -3.38953139e38, 3.3e38, 0, 1}
	return Case{Kernel: "zo_add", Consts: map[string]int{"BF16": 1, "T": transposed, "MANY": many}, Name: num("special n", 64, "transposed", transposed),
		Groups: backend.Grid(1), U: backend.U{"n4": 16, "tensor": 3, "cols": 8, "ld": 8, "e0": 0, "w0": 0},
		Args: map[string]Arg{"w": {Elems: 64, DType: backend.BF16, Fill: func(i int) float64 { return values[i%len(values)] }},
			"z": zoPacked(64, 1, 1e35, 0.5)}}
}
