package parity

import "luthier/backend"

// Every activation near 0 and, in every other element, far out, where exp must neither overflow nor leave more than the limit.
var _ = register("activation", func() []Case {
	return activations("activation", "x", "y")
})

// activations makes the cases of the functions by number; the first buffer is what goes in.
func activations(kernel, x string, others ...string) []Case {
	near, far := spread(4), spread(1000)
	cases := []Case{}
	for act := 1; act <= 5; act++ {
		cases = append(cases, flatWith(kernel, map[string]int{"ACT": act}, Reduce(8), backend.U{}, func(n4 int) map[string]Arg {
			args := map[string]Arg{x: {Elems: 4 * n4, Fill: func(i int) float64 {
				if i%2 == 0 {
					return near(i)
				}
				return far(i)
			}}}
			for _, name := range others {
				args[name] = Arg{Elems: 4 * n4}
			}
			return args
		})...)
	}
	return cases
}
