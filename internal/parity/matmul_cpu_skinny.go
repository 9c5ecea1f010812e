package parity

// The shapes of LoRA: a few columns, which fill one workgroup's or not quite or need two, and rows beyond those of a workgroup.
var _ = register("matmul_cpu_skinny", func() []Case {
	return products("matmul_cpu_skinny", 4, func(c map[string]int) (int, int) { return 8 / c["LANES"] * c["ROWS"], 4 * c["LANES"] * c["COLS"] }, []product{
		{1, 4, 4, 1, 1, 1, 1}, {9, 8, 64, 1, 1, 1, 1}, {67, 5, 304, 1, 1, 1, 1}, {150, 21, 12, 1, 1, 1, 1}, {5, 9, 12, 2, 6, 1, 3},
	})
})
