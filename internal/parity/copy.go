package parity

import "luthier/backend"

var _ = register("copy", func() []Case {
	cases := flat("copy", 0, nil, "x", "y")
	return append(cases, flatWith("copy", map[string]int{"BF16": 1}, 0, nil, func(n4 int) map[string]Arg {
		return map[string]Arg{"x": {Elems: 4 * n4, DType: backend.BF16}, "y": {Elems: 4 * n4, DType: backend.BF16}}
	})...)
})
