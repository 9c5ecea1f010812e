package ref

import (
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

// zoTable is the host's table for one tensor, number 0.
func zoTable(seed, right [2]uint32, mask uint32) []float64 {
	zo := make([]float64, 17)
	zo[0], zo[1], zo[5], zo[6], zo[7] = float64(seed[0]), float64(seed[1]), float64(right[0]), float64(right[1]), float64(mask)
	zo[2], zo[16] = float64(math.Float32bits(1)), float64(math.Float32bits(float32(math.Inf(1))))
	return zo
}

// noise runs kernel zo_noise for rows of tensor 0 that lie row by row and reads each element back.
func noise(t *testing.T, kind, rows, cols, row0 int, zo []float64) (words, values []float64) {
	t.Helper()
	per, packed := 4, 2
	if kind == zoRademacher {
		per, packed = 32, 1
	}
	n := (rows*cols + per - 1) / per
	b := bufs{"zo": zo, "z": make([]float64, 8+n)}
	launch(t, "zo_noise", shaders.Consts{"KIND": kind}, 1, backend.U{"tensor": 0, "rows": rows, "cols": cols, "ld": cols, "row0": row0, "words": n}, b)
	values = make([]float64, rows*cols)
	for i := range values {
		values[i] = zoAt(b["z"], packed, i)
	}
	return b["z"], values
}

// With seed, tensor, stream and block 0 the words are Random123's known answer 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
func TestZONoiseKnown(t *testing.T) {
	z, values := noise(t, zoRademacher, 1, 128, 0, zoTable([2]uint32{}, [2]uint32{}, 0))
	require.Equal(t, []float64{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, z[8:])
	require.Equal(t, []float64{-1, 1, -1, 1, -1, 1, -1, -1}, values[:8], "0xd5 from its lowest bit on; a set bit is -1")
	_, part := noise(t, zoRademacher, 5, 16, 3, zoTable([2]uint32{}, [2]uint32{}, 0))
	require.Equal(t, values[48:], part, "rows 3 to 7 of the same tensor")

	w := Philox([4]uint32{0, 0, 0, 2}, [2]uint32{})
	_, values = noise(t, zoBinomial, 1, 4, 0, zoTable([2]uint32{}, [2]uint32{}, 0))
	for i, h := range w {
		require.EqualValues(t, bits.OnesCount32(h)-16, values[i])
	}
}

// moments are mean, variance and kurtosis.
func moments(x []float64) (mean, variance, kurtosis float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		d := v - mean
		variance += d * d / n
		kurtosis += d * d * d * d / n
	}
	return mean, variance, kurtosis / (variance * variance)
}

// Signs have mean 0 and variance 1; a sum of 32 fair bits less 16 has variance 8 and kurtosis 3 - 2/32. The bounds are five standard errors.
func TestZONoiseMoments(t *testing.T) {
	const n = 256 * 256
	for _, c := range []struct {
		kind               int
		variance, kurtosis float64
	}{{zoRademacher, 1, 1}, {zoBinomial, 8, 3 - 2./32}} {
		_, x := noise(t, c.kind, 256, 256, 0, zoTable([2]uint32{7, 9}, [2]uint32{}, 0))
		mean, variance, kurtosis := moments(x)
		require.InDelta(t, 0, mean, 5*math.Sqrt(c.variance/n))
		require.InDelta(t, c.variance, variance, 5*c.variance*math.Sqrt(2./n))
		require.InDelta(t, c.kurtosis, kurtosis, 5*math.Sqrt(24./n))
		lag := 0.0
		for i := range n - 1 {
			lag += x[i] * x[i+1]
		}
		require.InDelta(t, 0, lag/n/c.variance, 5/math.Sqrt(n), "neighbours are independent")
	}
}

// Chen et al. 2024, 2410.07698: z = U V^T with rank r. Factors of +-1 taken from the streams bit by bit give it back; its variance is r.
func TestZONoiseLowRank(t *testing.T) {
	const rows, cols = 192, 256
	seed, right := [2]uint32{3, 4}, [2]uint32{5, 6}
	for _, r := range []int{1, 3, 8, 32} {
		_, z := noise(t, zoLowRank, rows, cols, 0, zoTable(seed, right, uint32(1<<r-1)))
		sign := func(w uint32, k int) float64 { return 1 - 2*float64(w>>k&1) }
		for i := range rows {
			u := Philox([4]uint32{uint32(i / 4), 0, 0, 3}, seed)[i%4]
			for j := range cols {
				v, sum := Philox([4]uint32{uint32(j / 4), 0, 0, 4}, right)[j%4], 0.0
				for k := range r {
					sum += sign(u, k) * sign(v, k)
				}
				require.Equal(t, sum, z[i*cols+j], "rank %d, row %d, column %d", r, i, j)
			}
		}
		// entries share factors: the mean of all is (1/rows sum u) . (1/cols sum v), the variance's error goes with 1/min(rows, cols)
		mean, variance, _ := moments(z)
		require.InDelta(t, 0, mean, 5*math.Sqrt(float64(r)/(rows*cols)))
		require.InDelta(t, float64(r), variance, 5*float64(r)*math.Sqrt(2./rows))
	}
}

// Rounding by chance is right in the mean where rounding to the nearest does nothing: 1 + 2^-10 lies 1/8 of the way from 1 to the next
// bf16, 1 + 2^-7. The words of noise are 0, so z = +1.
func TestZOAddRoundsByChance(t *testing.T) {
	const n = 1 << 14
	w, z := make([]float64, n), make([]float64, 8+n/32)
	for i := range w {
		w[i] = 1
	}
	z[0], z[2], z[3] = float64(math.Float32bits(1./1024)), 11, 12
	launch(t, "zo_add", shaders.Consts{"BF16": 1}, 1, backend.U{"n4": n / 4, "tensor": 0, "cols": n, "ld": n, "e0": 0, "w0": 0}, bufs{"w": w, "z": z})
	up := 0
	for _, v := range w {
		require.Contains(t, []float64{1, 1 + 1./128}, v)
		if v > 1 {
			up++
		}
	}
	require.InDelta(t, 1./8, float64(up)/n, 5*math.Sqrt(7./64/n))
}

// Above the threshold nothing moves, at it and below everything does.
func TestZOAddSparse(t *testing.T) {
	w, z := []float64{0.5, -0.5, 0.5 + 1./1024, -2}, make([]float64, 9)
	z[0], z[4] = float64(math.Float32bits(0.25)), float64(math.Float32bits(0.5))
	launch(t, "zo_add", shaders.Consts{"SPARSE": 1}, 1, backend.U{"n4": 1, "tensor": 0, "cols": 4, "ld": 4, "e0": 0, "w0": 0}, bufs{"w": w, "z": z})
	require.Equal(t, []float64{0.75, -0.25, 0.5 + 1./1024, -2}, w)
}
