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
			cases = append(cases, hits(wg, rows))
		}
	}
	return cases
})

// hits has rows whose label's logit is the maximum, as the statistics keep it, and rows where it is below.
func hits(wg, rows int) Case {
	stats := func(i int) float64 {
		switch r := i / 4; i % 4 {
		case 1:
			return 4 + float64(r%3)
		case 3:
			return float64(r%5) - float64(r%2)/8
		default:
			return float64(r % 5)
		}
	}
	return Case{Kernel: "cross_entropy_loss", Consts: map[string]int{"WG": wg, "HIT": 1}, Name: num("rows", rows, "hits", 1),
		Groups: backend.Grid((rows + wg - 1) / wg), U: backend.U{"rows": rows, "vocab": 50, "smoothing": 0.0}, Tol: Reduce(4),
		Args: map[string]Arg{"stats": {Elems: 4 * rows, Fill: stats}, "loss": {Elems: rows}, "lse": {Elems: rows}, "hit": {Elems: rows},
			"labels": {Elems: rows, DType: backend.U32, Fill: indices(50, []float64{ignored, 50}[rows%2])}}}
}
