package parity

import (
	"math"

	"luthier/backend"
)

// Which elements survive is integers and must agree; thresholds 0 and the largest keep all and next to none.
var _ = register("dropout", func() []Case {
	cases := []Case{}
	for _, threshold := range []uint32{0, 1 << 30, math.MaxUint32} {
		cases = append(cases, flatWith("dropout", nil, Reduce(1), backend.U{"salt": uint32(0x9abcdef0), "threshold": threshold, "scale": 1.25},
			func(n4 int) map[string]Arg {
				return map[string]Arg{"x": {Elems: 4 * n4}, "y": {Elems: 4 * n4},
					"seed": {Elems: 4, DType: backend.U32, Fill: table0(0xffffffff, 0x12345678, 0xdeadbeef, 3)}}
			})...)
	}
	return cases
})
