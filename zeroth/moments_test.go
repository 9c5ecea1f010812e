package zeroth

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// estimates are what one step of n directions with a learning rate of 1 adds to zero weights of a [rows, cols] matrix whose true gradient is
// known: minus the estimate of the gradient. g is the exact slope along each direction; everything behind it is the code of a run.
func estimates(t *testing.T, h *Header, rows, cols, n, steps int, grad []float64, each func(x []float32)) {
	t.Helper()
	z := make([]int8, rows*cols)
	for step := range uint32(steps) {
		var rs []Record
		for i := range uint32(n) {
			term := Term{Seed: Seed(h.Seed, step, i), Noise: h.Noise, Right: RightSeed(h.Seed, step, 1), Rank: h.Rank}
			term.Values(z, rows, cols, 0, 0)
			g := 0.0
			for e, d := range grad {
				g += d * float64(z[e])
			}
			if h.Noise == Gaussian {
				g /= math.Sqrt(8)
			}
			rs = append(rs, Record{Step: step, Seed: term.Seed, G: float32(g / float64(n)), LR: 1})
		}
		terms, err := h.Terms(nil, rs)
		require.NoError(t, err)
		x := make([]float32, rows*cols)
		for _, term := range terms {
			Add(x, rows, cols, 0, term)
		}
		each(x)
	}
}

// The estimate is unbiased, and its second moment is that of n-SPSA with z of variance 1 and kurtosis kappa, E|ghat|^2 = (d + kappa - 1 +
// n - 1) / n |grad|^2: (d + n - 1) / n for signs. With a normal z it would be (d + n + 1) / n; a sum of 32 bits has a kurtosis of 3 - 1/16.
// Low-rank noise has no such formula (its entries depend on each other), but the same mean once it is divided by the rank.
func TestMomentsOfTheEstimate(t *testing.T) {
	const rows, cols, steps = 4, 5, 20_000
	const d = rows * cols
	grad := make([]float64, d)
	norm := 0.0
	for i := range grad {
		grad[i] = math.Sin(float64(3*i + 1))
		norm += grad[i] * grad[i]
	}
	for _, c := range []struct {
		noise      Noise
		rank, n    int
		kappa      float64
		withMoment bool
	}{{Rademacher, 0, 1, 1, true}, {Rademacher, 0, 4, 1, true}, {Gaussian, 0, 1, 3 - 1./16, true}, {Gaussian, 0, 4, 3 - 1./16, true},
		{LowRank, 1, 1, 0, false}, {LowRank, 2, 1, 0, false}, {LowRank, 4, 4, 0, false}} {
		t.Run(fmt.Sprint(c.noise, c.rank, " n", c.n), func(t *testing.T) {
			h := &Header{Format: 1, Noise: c.noise, Rank: c.rank, Period: 1, Seed: 5, Update: Update{Rule: Plain}}
			mean, square := make([]float64, d), make([]float64, d)
			second, fourth := 0.0, 0.0
			estimates(t, h, rows, cols, c.n, steps, grad, func(x []float32) {
				s := 0.0
				for i, v := range x {
					mean[i] -= float64(v) / steps
					square[i] += float64(v) * float64(v) / steps
					s += float64(v) * float64(v)
				}
				second += s / norm / steps
				fourth += s / norm * s / norm / steps
			})
			chi := 0.0 // of the mean's distance in standard errors; d of them have mean d and variance about 2 d
			for i := range mean {
				chi += (mean[i] - grad[i]) * (mean[i] - grad[i]) / ((square[i] - mean[i]*mean[i]) / steps)
			}
			assert.InDelta(t, d, chi, 3*math.Sqrt(2*d), "the mean is the gradient")
			if sigma := math.Sqrt((fourth - second*second) / steps); c.withMoment {
				want := (d + c.kappa - 1 + float64(c.n) - 1) / float64(c.n)
				assert.InDelta(t, want, second, 3*sigma)
				assert.Less(t, 3*sigma, 0.05*want, "the test can tell")
			}
		})
	}
}

// A vector under low-rank noise takes signs, and the scalar of the matrices: its steps are 1/rank of the gradient's. docs/replay-log.md
// says so; whoever changes it changes the meaning of logs.
func TestVectorUnderLowRankNoise(t *testing.T) {
	const d, steps, rank = 6, 20_000, 4
	grad := []float64{1, -2, 0.5, 0, 3, -1}
	h := &Header{Format: 1, Noise: LowRank, Rank: rank, Period: 1, Seed: 5, Update: Update{Rule: Plain}}
	mean := make([]float64, d)
	estimates(t, h, 1, d, 1, steps, grad, func(x []float32) {
		for i, v := range x {
			mean[i] -= float64(v) / steps
		}
	})
	for i := range mean {
		assert.InDelta(t, grad[i]/rank, mean[i], 4*math.Sqrt(15.25/steps)/rank)
	}
}
