package parity

import "luthier/backend"

var _ = register("cast_bf16", func() []Case {
	return flatWith("cast_bf16", nil, 0, backend.U{}, func(n4 int) map[string]Arg {
		return map[string]Arg{"x": {Elems: 4 * n4, DType: backend.BF16}, "y": {Elems: 4 * n4}}
	})
})
