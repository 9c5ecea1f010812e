package train

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/data"
)

func fitProbe(t *testing.T, f *Features, l2 float64) *Probe {
	t.Helper()
	p, err := FitProbe(context.Background(), f, l2)
	require.NoError(t, err)
	assert.True(t, p.Converged, "slope %g after %d steps", p.Slope, p.Steps)
	return p
}

// drawn are n rows of features of very different scales, whose classes a known head draws.
func drawn(n int, bias bool, seed uint64) (f *Features, head [][]float64) {
	r := rand.New(rand.NewPCG(seed, 9))
	scale := []float64{1, 300, 0.01, 5}
	f = &Features{Head: "classifier", Bias: bias, Size: 4, Outputs: 3}
	head = [][]float64{{1, 0.004, -60, 0.1, 0.5}, {-1, 0.002, 30, -0.2, -0.5}, {0, -0.006, 30, 0.1, 0}}
	for range n {
		p, x := make([]float64, 3), make([]float64, 4)
		for j := range x {
			x[j] = float64(float32(r.NormFloat64() * scale[j]))
			f.X = append(f.X, float32(x[j]))
		}
		for c, h := range head {
			if bias {
				p[c] = h[4]
			}
			for j, v := range x {
				p[c] += h[j] * v
			}
		}
		crossEntropy(p, 0)
		u, c := r.Float64(), int32(0)
		for u -= p[0]; u > 0 && c < 2; u -= p[c] {
			c++
		}
		f.Classes = append(f.Classes, c)
	}
	return f, head
}

// With many rows the maximum of the likelihood is the head that drew the classes, up to a vector added to every class's.
func TestProbeRecoversHead(t *testing.T) {
	for _, bias := range []bool{true, false} {
		f, head := drawn(40000, bias, 1)
		p := fitProbe(t, f, 1e-3)
		assert.Equal(t, bias, p.Bias != nil)
		for c := 1; c < 3; c++ {
			for j, scale := range []float64{1, 300, 0.01, 5} {
				want, got := head[c][j]-head[0][j], float64(p.Weight[c*4+j]-p.Weight[j])
				assert.InDelta(t, want*scale, got*scale, 0.1, "class %d, feature %d", c, j)
			}
			if bias {
				assert.InDelta(t, head[c][4]-head[0][4], p.Bias[c]-p.Bias[0], 0.06)
			}
		}
	}
}

// objective is what FitProbe promises to minimise, in the coordinates of the head and written down anew.
func objective(f *Features, w, b []float64, l2 float64) float64 {
	sum := 0.0
	for r, class := range f.Classes {
		z := make([]float64, f.Outputs)
		total := 0.0
		for c := range z {
			if f.Bias {
				z[c] = b[c]
			}
			for j := range f.Size {
				z[c] += w[c*f.Size+j] * float64(f.X[r*f.Size+j])
			}
			total += math.Exp(z[c])
		}
		sum += math.Log(total) - z[class]
	}
	for _, v := range w {
		sum += l2 / 2 * v * v
	}
	return sum
}

// At the optimum no coordinate of the head changes the objective, up to the rounding of the head to float32.
func TestProbeIsStationary(t *testing.T) {
	for _, bias := range []bool{true, false} {
		f, _ := drawn(300, bias, 2)
		p := fitProbe(t, f, 1)
		var w, b []float64
		for _, v := range p.Weight {
			w = append(w, float64(v))
		}
		for _, v := range p.Bias {
			b = append(b, float64(v))
		}
		slope := func(x *float64, h float64) float64 {
			at := *x
			*x = at + h
			up := objective(f, w, b, 1)
			*x = at - h
			down := objective(f, w, b, 1)
			*x = at
			return (up - down) / 2
		}
		for i := range w {
			h := 1e-4 / []float64{1, 300, 0.01, 5}[i%4] // the same change of the logits for each
			assert.InDelta(t, 0, slope(&w[i], h)/1e-4, 300*1e-6, "weight %d", i)
		}
		for i := range b {
			assert.InDelta(t, 0, slope(&b[i], 1e-4)/1e-4, 300*1e-6, "bias %d", i)
		}
		assert.InDelta(t, (objective(f, w, b, 1)-objective(f, w, b, 0))*2, norm(w), 1e-9)
		assert.InDelta(t, objective(f, w, b, 0)/300, p.Loss, 1e-9)
	}
}

func norm(w []float64) (s float64) {
	for _, v := range w {
		s += v * v
	}
	return s
}

// One feature, two rows: by symmetry w = (-a, a) with sigmoid(-2a) = l2 a / 2, an equation that bisection solves.
func TestProbeSeparable(t *testing.T) {
	f := &Features{Head: "score", Size: 1, Outputs: 2, X: []float32{-1, 1}, Classes: []int32{0, 1}}
	for _, l2 := range []float64{1e-6, 1e-2, 1} {
		p := fitProbe(t, f, l2)
		lo, hi := 0.0, 1e9
		for range 200 {
			a := (lo + hi) / 2
			if 1/(1+math.Exp(2*a)) > l2*a/2 {
				lo = a
			} else {
				hi = a
			}
		}
		assert.InDelta(t, lo, p.Weight[1], 1e-4*(1+lo))
		assert.InDelta(t, -lo, p.Weight[0], 1e-4*(1+lo))
		assert.Equal(t, 1.0, p.Accuracy)
	}
}

func TestProbeClassesWithoutRows(t *testing.T) {
	for _, bias := range []bool{true, false} {
		f, _ := drawn(200, bias, 3)
		f.Outputs = 7
		p := fitProbe(t, f, 1)
		for _, v := range append(p.Weight, p.Bias...) {
			assert.Less(t, math.Abs(float64(v)), 1e3)
		}
		f.Outputs = 3
		assert.InDelta(t, fitProbe(t, f, 1).Accuracy, p.Accuracy, 0.05)
	}
}

// A feature that never changes tells nothing: with a bias it gets no weight.
func TestProbeConstantFeature(t *testing.T) {
	f := &Features{Head: "classifier", Bias: true, Size: 2, Outputs: 2, X: []float32{7, -1, 7, 1, 7, -2, 7, 2}, Classes: []int32{0, 1, 0, 1}}
	p := fitProbe(t, f, 1)
	assert.InDelta(t, 0, p.Weight[0], 1e-9)
	assert.Equal(t, 1.0, p.Accuracy)
}

func TestProbeIsBitwiseTheSame(t *testing.T) {
	f, _ := drawn(2000, true, 4)
	first := fitProbe(t, f, 1)
	for range 3 {
		require.Equal(t, first, fitProbe(t, f, 1))
	}
}

func TestProbeRefuses(t *testing.T) {
	f := &Features{Head: "classifier", Size: 1, Outputs: 2, X: []float32{1, 2}, Classes: []int32{1, 1}}
	_, err := FitProbe(context.Background(), f, 1)
	require.ErrorIs(t, err, data.ErrOneClass)
	assert.ErrorContains(t, err, "leave --linear-probe out")
	f.X, f.Classes = nil, nil
	_, err = FitProbe(context.Background(), f, 1)
	require.ErrorIs(t, err, data.ErrNoData)
	f.X, f.Classes = []float32{1, 2}, []int32{0, 2}
	_, err = FitProbe(context.Background(), f, 1)
	assert.ErrorContains(t, err, "row 1 has class 2 of 2")
	f.Classes = []int32{0, 1}
	for _, l2 := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		_, err = FitProbe(context.Background(), f, l2)
		var option *OptionError
		require.ErrorAs(t, err, &option)
	}
	f.X = []float32{1}
	_, err = FitProbe(context.Background(), f, 1)
	assert.ErrorContains(t, err, "1 values for 2 rows of 1")
	ctx, stop := context.WithCancel(context.Background())
	stop()
	f.X = []float32{1, 2}
	_, err = FitProbe(ctx, f, 1)
	require.ErrorIs(t, err, context.Canceled)
}
