package parity

import "luthier/backend"

var _ = register("add_into", func() []Case {
	return flat("add_into", Reduce(2), backend.U{"c": 0.3}, "x", "y")
})
