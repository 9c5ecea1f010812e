package parity

var _ = register("scatter_rows", func() []Case { return rowMoves("scatter_rows", "y", "x") })
