package zeroth

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/data"
)

// line is a loss along the direction of each seed: what a model's forward passes would find.
type line func(seed uint64, a float64) float64

// slopes is smooth: a slope and a curvature of its own for each seed.
func slopes(seed uint64, a float64) float64 {
	k, c := math.Sin(float64(seed%1000)), 1+math.Cos(float64(seed%777))
	return 2 + k*a + c*a*a/2
}

// measured are the records and the loss of one step on losses that are made up.
func measured(t *testing.T, o Options, f line) ([]Record, float64) {
	t.Helper()
	rs, loss, err := measuredFor(t, o, f, 0.05)
	require.NoError(t, err)
	return rs, loss
}

func measuredFor(t *testing.T, o Options, f line, lr float64) ([]Record, float64, error) {
	t.Helper()
	require.NoError(t, o.Check())
	s := &Stepper{o: o, rule: variants[o.Variant].rule(&o)}
	p := s.probe(context.Background(), 7, lr, []*data.Batch{{IDs: []int32{1, 2}}})
	p.losses = func(seed uint64, as []float64) (out []float64, err error) {
		for _, a := range as {
			out = append(out, f(seed, a))
		}
		return out, nil
	}
	return s.rule.measure(p)
}

// directions sets their number.
func directions(n int) func(*Options) { return func(o *Options) { o.Directions = n } }

// A central difference of a parabola is its slope, and n directions are averaged.
func TestEstimateIsTheMeanSlope(t *testing.T) {
	for _, n := range []int{1, 5} {
		rs, loss := measured(t, options(t, "mezo", directions(n)), slopes)
		require.Len(t, rs, n)
		sum := 0.0
		for i, r := range rs {
			require.Equal(t, Seed(11, 7, uint32(i)), r.Seed)
			assert.InDelta(t, math.Sin(float64(r.Seed%1000))/float64(n), r.G, 1e-6)
			sum += slopes(r.Seed, 1e-3) + slopes(r.Seed, -1e-3)
		}
		assert.InDelta(t, sum/float64(2*n), loss, 1e-12)
	}
}

// Every variant at its neutral setting is MeZO: the same records, and the same additions from them.
func TestVariantsReduceToMeZO(t *testing.T) {
	mezo := options(t, "mezo", nil)
	want, loss := measured(t, mezo, slopes)
	additions := func(o Options) []Term {
		h := Header{Format: 1, Seed: o.Seed, Noise: o.Noise, Rank: o.Rank, Period: o.Period, Update: o.update()}
		past := history(5, 1)
		terms, err := h.Terms(past, want)
		require.NoError(t, err)
		return terms
	}
	for _, o := range []Options{
		options(t, "mezo", directions(1)),
		options(t, "mezo-momentum", func(o *Options) { o.Beta1 = 0 }),
		options(t, "mezo-momentum", func(o *Options) { o.Window = 1 }),
		options(t, "sparse-mezo", func(o *Options) { o.Sparsity = 0 }),
		options(t, "lozo", func(o *Options) { o.Noise = Rademacher }),
	} {
		got, l := measured(t, o, slopes)
		assert.Equal(t, want, got, o.Variant)
		assert.Equal(t, loss, l)
		assert.Equal(t, additions(mezo), additions(o), o.Variant)
	}
	big := options(t, "mezo-conservative", nil) // where the step is the best of the three it is MeZO's
	got, _ := measured(t, big, func(seed uint64, a float64) float64 { return 2 + math.Sin(float64(seed%1000))*a })
	same, _ := measured(t, mezo, func(seed uint64, a float64) float64 { return 2 + math.Sin(float64(seed%1000))*a })
	assert.Equal(t, same, got)
}

// FZOO divides by the spread of the losses: a loss that is scaled or shifted gives the same step (2506.09034). The factors are powers of 2, so
// that the numbers are the same to the bit; others are within a rounding.
func TestFZOOIsScaleInvariant(t *testing.T) {
	o := options(t, "fzoo", nil)
	want, _ := measured(t, o, slopes)
	require.Len(t, want, 8)
	for _, c := range []float64{0.125, 64} {
		got, _ := measured(t, o, func(s uint64, a float64) float64 { return c * slopes(s, a) })
		assert.Equal(t, want, got, "scaled by %g", c)
	}
	got, _ := measured(t, o, func(s uint64, a float64) float64 { return 3 * slopes(s, a) })
	for i := range want {
		assert.InEpsilon(t, want[i].G, got[i].G, 1e-6)
	}
	// By hand: (L_i - L_0) / (N std).
	mean, spread, ls := 0.0, 0.0, make([]float64, 8)
	for i, r := range want {
		ls[i] = slopes(r.Seed, o.Eps)
		mean += ls[i] / 8
	}
	for _, l := range ls {
		spread += (l - mean) * (l - mean) / 7
	}
	for i, r := range want {
		assert.InEpsilon(t, (ls[i]-2)/(8*math.Sqrt(spread)), r.G, 1e-6)
	}
	flat, _ := measured(t, o, func(uint64, float64) float64 { return 1 })
	for _, r := range flat {
		assert.Zero(t, r.G, "nothing moved")
	}
}

// The sign's step has one length, whatever the loss's scale.
func TestSignHasOneLength(t *testing.T) {
	for _, one := range []bool{false, true} {
		o := options(t, "mezo-sign", func(o *Options) { o.OneSided = one })
		for _, c := range []float64{1e-3, 1, 1e3} {
			rs, _ := measured(t, o, func(_ uint64, a float64) float64 { return 1 - c*a })
			assert.Equal(t, float32(-1), rs[0].G)
		}
		rs, _ := measured(t, o, func(uint64, float64) float64 { return 1 })
		assert.Zero(t, rs[0].G)
	}
}

// The conservative rule goes to the lowest of three losses: the batch's loss never grows.
func TestConservativeNeverGrows(t *testing.T) {
	o := options(t, "mezo-conservative", nil)
	taken := map[string]int{}
	for i := range 300 {
		a, b, c := math.Sin(float64(i)), 40*math.Sin(float64(7*i+1)), 300*math.Sin(float64(5*i+2))
		f := func(_ uint64, x float64) float64 { return a*x + b*x*x + c*x*x*x }
		for _, lr := range []float64{0.01, 0.1, 1} {
			mezo, _, err := measuredFor(t, options(t, "mezo", nil), f, lr)
			require.NoError(t, err)
			rs, _, err := measuredFor(t, o, f, lr)
			require.NoError(t, err)
			end := f(0, -float64(rs[0].LR)*float64(rs[0].G))
			for _, other := range []float64{0, 1, -1} {
				require.LessOrEqual(t, end, f(0, -other*float64(rs[0].LR)*float64(mezo[0].G))+1e-15)
			}
			switch rs[0].G {
			case mezo[0].G:
				taken["as MeZO"]++
			case -mezo[0].G:
				taken["back"]++
			default:
				require.Zero(t, rs[0].G)
				taken["none"]++
			}
		}
	}
	require.Len(t, taken, 3, "%v", taken)
}

// A loss that is not finite anywhere a rule would go, or would learn from, never becomes a step.
func TestNoStepFromOrToNoNumber(t *testing.T) {
	o := options(t, "mezo-conservative", nil)
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		cliff := func(_ uint64, a float64) float64 {
			if a < -0.01 { // where the step would end
				return bad
			}
			return 1 + a
		}
		rs, _ := measured(t, o, cliff)
		assert.Zero(t, rs[0].G, "a step to a loss of %g", bad)
	}
	for name := range variants {
		for _, one := range []bool{false, true} {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				o := options(t, name, func(o *Options) { o.OneSided = o.OneSided || one })
				rs, loss, err := measuredFor(t, o, func(_ uint64, a float64) float64 {
					if a > 0 {
						return bad
					}
					return 1
				}, 0.05)
				require.NoError(t, err)
				lost := !finite(loss)
				for _, r := range rs {
					lost = lost || !finite(float64(r.G))
				}
				assert.True(t, lost, "%s, one-sided %t: a loss of %g counts", name, one, bad)
			}
		}
	}
}

// An error of the device ends the step.
func TestMeasureFails(t *testing.T) {
	for name := range variants {
		o := options(t, name, nil)
		s := &Stepper{o: o, rule: variants[name].rule(&o)}
		p := s.probe(context.Background(), 7, 0.05, []*data.Batch{{}})
		lost := errors.New("device lost")
		p.losses = func(uint64, []float64) ([]float64, error) { return nil, lost }
		_, _, err := s.rule.measure(p)
		assert.ErrorIs(t, err, lost, name)
	}
}

// The threshold leaves the largest share alone; a tensor of zeros is trained whole.
func TestThreshold(t *testing.T) {
	x := Tensor{F32: []float32{-4, 1, 3, -2}, Rows: 1, Cols: 4}
	require.Equal(t, float32(2), thresholdOf(&x, 0.5))
	require.Equal(t, float32(1), thresholdOf(&x, 0.75))
	require.Equal(t, float32(math.MaxFloat32), thresholdOf(&x, 0))
	zero := Tensor{F32: make([]float32, 8), Rows: 2, Cols: 4}
	require.Equal(t, float32(math.MaxFloat32), thresholdOf(&zero, 0.75))
}
