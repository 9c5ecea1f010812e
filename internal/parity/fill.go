package parity

import "luthier/backend"

var _ = register("fill", func() []Case {
	return flat("fill", 0, backend.U{"value": 0.5}, "x")
})

// flat makes the cases of a kernel with one thread a vec4 over buffers of equal length: tails, one full and many workgroups, and at 8
// threads a grid of two dimensions. u holds the uniforms other than n4.
func flat(kernel string, tol float64, u backend.U, names ...string) []Case {
	return flatWith(kernel, nil, tol, u, func(n4 int) map[string]Arg {
		args := map[string]Arg{}
		for _, name := range names {
			args[name] = Arg{Elems: 4 * n4}
		}
		return args
	})
}

// flatWith is flat for an instance with constants of its own and any buffers.
func flatWith(kernel string, consts map[string]int, tol float64, u backend.U, args func(n4 int) map[string]Arg) []Case {
	cases := []Case{}
	for _, wg := range []int{64, 8} {
		c := map[string]int{"WG": wg}
		for k, v := range consts {
			c[k] = v
		}
		sizes := []int{1, 7, 64, 1000}
		if wg == 8 {
			sizes = append(sizes, 8*32768+13)
		}
		for _, n4 := range sizes {
			un := backend.U{"n4": n4}
			for k, v := range u {
				un[k] = v
			}
			cases = append(cases, Case{Kernel: kernel, Consts: c, Name: num("n4", n4), Groups: backend.Grid((n4 + wg - 1) / wg), Args: args(n4), U: un, Tol: tol})
		}
	}
	return cases
}
