package parity

// The matmul variants for GPUs, over shapes on both sides of their tiles: rows and columns that do not fill one, last tiles of k with 1,
// 2 and 3 vec4, k shorter than a tile, and heads as attention has them.
var (
	_ = register("matmul_tile", func() []Case {
		return products("matmul_tile", 4, func(map[string]int) (int, int) { return 128, 64 }, gpuShapes())
	})
	_ = register("matmul_big", func() []Case {
		return products("matmul_big", 4, func(map[string]int) (int, int) { return 128, 128 }, gpuShapes())
	})
	_ = register("matmul_skinny", func() []Case {
		return products("matmul_skinny", 4, func(c map[string]int) (int, int) { return 64 - 48*c["WIDE"], 16 + 48*c["WIDE"] }, gpuShapes())
	})
	_ = register("matmul_gemv", func() []Case {
		return products("matmul_gemv", 4, func(c map[string]int) (int, int) { return c["ROWS"], 32 - 28*c["TB"] }, gpuShapes())
	})
)

// gpuShapes meets each m with each n, and each k with each n.
func gpuShapes() []product {
	ks := []int{4, 12, 16, 20, 172}
	shapes := []product{{19, 36, 172, 2, 6, 1, 3}, {12, 7, 20, 3, 4, 2, 4}}
	for i, m := range []int{1, 5, 129, 200} {
		for j, n := range []int{4, 12, 68, 70, 132} {
			shapes = append(shapes, product{m, n, ks[(i+j)%len(ks)], 1, 1, 1, 1})
		}
	}
	return append(shapes, product{5, 4, 172, 1, 1, 1, 1})
}
