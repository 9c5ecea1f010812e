package parity

import (
	"sort"

	"luthier/backend"
)

// Tokens once and often, a part of the table, one token only, an empty part. de has two rows to spare, which must stay as they are.
var _ = register("embedding_grad", func() []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range []struct{ n, d4, vocab, lo, hi int }{
			{1, 1, 3, 0, 3}, {37, 5, 11, 0, 11}, {64, 70, 9, 0, 9}, {50, 9, 40, 10, 28}, {16, 2, 1, 0, 1}, {20, 3, 8, 5, 5},
		} {
			ids := make([]int, s.n)
			for i := range ids {
				ids[i] = (i*i + 3*i) % s.vocab
			}
			segs := segments(ids)
			cases = append(cases, Case{Kernel: "embedding_grad", Consts: map[string]int{"WG": wg},
				Name:   num("n", s.n, "d", 4*s.d4, "vocab", s.vocab, "lo", s.lo, "hi", s.hi),
				Groups: backend.Grid(s.n), U: backend.U{"n": s.n, "d4": s.d4, "lo": s.lo, "hi": s.hi}, Tol: Reduce(s.n),
				Args: map[string]Arg{"dy": {Elems: s.n * 4 * s.d4}, "de": {Elems: (s.hi - s.lo + 2) * 4 * s.d4},
					"segs": {Elems: (len(segs) + 3) / 4 * 4, DType: backend.U32, Fill: table0(segs...)}}})
		}
	}
	return cases
})

// segments lists the rows of each token, as embedding_grad wants them.
func segments(ids []int) []float64 {
	n := len(ids)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return ids[order[a]] < ids[order[b]] })
	segs := make([]float64, 3*n+2)
	count := 0
	for j, r := range order {
		segs[2*n+2+j] = float64(r)
		if j == 0 || ids[r] != ids[order[j-1]] {
			segs[1+count], segs[n+2+count] = float64(j), float64(ids[r])
			count++
		}
	}
	segs[0], segs[1+count] = float64(count), float64(n)
	return segs
}
