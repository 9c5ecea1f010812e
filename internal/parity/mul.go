package parity

import "luthier/backend"

var _ = register("mul", func() []Case {
	return flat("mul", Reduce(1), backend.U{}, "a", "b", "y")
})
