package parity

import "math"

// What cases of row kernels fill their buffers with, and the grids they share.

// spread fills with numbers in [-amp, amp) that follow no row: a hash of the index, so that both devices see the same.
func spread(amp float64) func(int) float64 {
	return func(i int) float64 {
		h := (uint32(i) + 1) * 2654435761
		h = (h ^ h>>15) * 2246822519
		return amp * (float64(h^h>>13)/(1<<31) - 1)
	}
}

// around fills with c + spread(amp).
func around(c, amp float64) func(int) float64 {
	s := spread(amp)
	return func(i int) float64 { return c + s(i) }
}

// indices fills with numbers below n in no order; every seventh is `other` instead.
func indices(n int, other float64) func(int) float64 {
	return func(i int) float64 {
		if i%7 == 6 {
			return other
		}
		return float64((i*i + 5*i) % n)
	}
}

// ignored is the label that the host sends for -100.
const ignored = math.MaxUint32

// rowShapes are rows and d4 of row kernels: one vec4, fewer than the lanes of a workgroup, a tail, several turns.
var rowShapes = [][2]int{{1, 1}, {3, 7}, {5, 64}, {17, 65}, {2, 300}}

// columns is the grid of one thread a vec4 column, `blocks` rows of workgroups.
func columns(n4, wg, blocks int) [3]uint32 {
	return [3]uint32{uint32((n4 + wg - 1) / wg), uint32(blocks), 1}
}
