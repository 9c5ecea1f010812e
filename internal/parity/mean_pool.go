package parity

import (
	"luthier/backend"
	"luthier/shaders"
)

// a sequence without a real position is divided by 1, not by 0
var _ = register("mean_pool", func() []Case { return pools("mean_pool", "x", "y") })

// pools makes the cases of mean_pool and of its gradient: `long` is the buffer of all positions, `short` that of one row a sequence.
func pools(kernel, long, short string) []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {4, 33, 70}} {
			b, t, d := s[0], s[1], 4*s[2]
			mask := func(i int) float64 {
				if i/t == 1 || i%t > t-i/t || i%11 == 3 {
					return 0
				}
				return 1
			}
			cases = append(cases, Case{Kernel: kernel, Consts: shaders.Consts{"WG": wg}, Name: num("b", b, "t", t, "d", d),
				Groups: columns(d/4, wg, b), U: backend.U{"b": b, "t": t, "d4": d / 4}, Tol: Reduce(t),
				Args: map[string]Arg{long: {Elems: b * t * d}, short: {Elems: b * d}, "mask": {Elems: b * t, DType: backend.U32, Fill: mask}}})
		}
	}
	return cases
}
