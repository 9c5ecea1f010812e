package parity

import "luthier/backend"

var _ = register("tick", func() []Case {
	cases := []Case{}
	for _, from := range []float64{0, 7, 1 << 30} {
		cases = append(cases, Case{Kernel: "tick", Name: num("from", int(from)), Groups: backend.Grid(1),
			Args: map[string]Arg{"x": {Elems: 3, DType: backend.U32, Fill: func(int) float64 { return from }}}})
	}
	return cases
})
