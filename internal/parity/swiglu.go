package parity

import "luthier/backend"

// gates to +-100, where exp would overflow if it were taken the wrong way round
var _ = register("swiglu", func() []Case {
	return flatWith("swiglu", nil, Reduce(8), backend.U{}, func(n4 int) map[string]Arg {
		return map[string]Arg{"g": {Elems: 4 * n4, Fill: spread(100)}, "u": {Elems: 4 * n4}, "y": {Elems: 4 * n4}}
	})
})
