package parity

var _ = register("add_vec", func() []Case { return rowsByVec("add_vec") })
