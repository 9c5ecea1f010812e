package parity

import "luthier/backend"

var _ = register("cross_entropy_loss", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, rows := range []int{1, 7, 64, 1001} {
			for _, smooth := range []float64{0, 0.1} {
				cases = append(cases, Case{Kernel: "cross_entropy_loss", Consts: map[string]int{"WG": wg}, Name: num("rows", rows, "smoothing", smooth),
					Groups: backend.Grid((rows + wg - 1) / wg), U: backend.U{"rows": rows, "vocab": 50, "smoothing": smooth}, Tol: Reduce(4),
					Args: map[string]Arg{"stats": {Elems: 4 * rows, Fill: around(10, 8)}, "loss": {Elems: rows}, "lse": {Elems: rows},
						"labels": {Elems: rows, DType: backend.U32, Fill: indices(50, []float64{ignored, 50}[rows%2])}}})
			}
		}
	}
	return cases
})
