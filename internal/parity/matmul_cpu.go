package parity

// m that does not fill the rows of a workgroup, columns that do not fill a vec4, a group or two, k long and short, and heads as attention
// has them: scores of 6 query heads on 2 key heads.
var _ = register("matmul_cpu", func() []Case {
	return products("matmul_cpu", 4, func(c map[string]int) (int, int) { return 8 / c["LANES"] * c["ROWS"], 4 * c["LANES"] * c["COLS"] }, []product{
		{1, 4, 4, 1, 1, 1, 1}, {9, 70, 8, 1, 1, 1, 1}, {23, 133, 304, 1, 1, 1, 1}, {5, 9, 12, 2, 6, 1, 3}, {12, 7, 4, 3, 4, 2, 4}, {67, 5, 304, 1, 1, 1, 1}, {150, 21, 12, 1, 1, 1, 1},
	}, epilogues()...)
})
