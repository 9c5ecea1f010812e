package parity

import "luthier/backend"

var _ = register("add", func() []Case {
	return flat("add", Reduce(2), backend.U{"c": -0.7}, "a", "b", "y")
})
