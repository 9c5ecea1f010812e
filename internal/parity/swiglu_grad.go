package parity

import "luthier/backend"

var _ = register("swiglu_grad", func() []Case {
	return flatWith("swiglu_grad", nil, Reduce(8), backend.U{}, func(n4 int) map[string]Arg {
		return map[string]Arg{"g": {Elems: 4 * n4, Fill: spread(100)}, "u": {Elems: 4 * n4}, "dy": {Elems: 4 * n4}, "dg": {Elems: 4 * n4},
			"du": {Elems: 4 * n4}}
	})
})
