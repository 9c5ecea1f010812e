package optim

import (
	"math"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func TestScheduleWarmupLinear(t *testing.T) {
	s := Schedule{"linear", 2e-5, 10, 100}
	require.Equal(t, 0.0, s.LR(0))
	require.Equal(t, 2e-5, s.LR(10))
	require.Equal(t, 0.0, s.LR(100))
	require.InDelta(t, 1e-5, s.LR(55), 1e-20)
	c := Schedule{"cosine", 1, 0, 10}
	require.Equal(t, 1.0, c.LR(0))
	require.InDelta(t, 0.5, c.LR(5), 1e-15)
	require.InDelta(t, 0, c.LR(10), 1e-15)
	require.Equal(t, 3.0, Schedule{"constant", 3, 0, 10}.LR(7))
}

func TestScheduleRefuses(t *testing.T) {
	for _, s := range []Schedule{{"cosin", 1, 0, 10}, {"linear", 0, 0, 10}, {"linear", math.NaN(), 0, 10}, {"linear", 1, 11, 10}, {"linear", math.Inf(1), 0, 1}} {
		require.Error(t, s.Check(), "%+v", s)
	}
	require.NoError(t, Schedule{"linear", 1, 10, 10}.Check())
}

// The schedule of the recipe of Mosbach et al.: 0 at the first step, the peak after a tenth of the steps, 0 at the end.
func TestScheduleMosbach(t *testing.T) {
	r, err := RecipeOf("mosbach")
	require.NoError(t, err)
	kind, _ := r.Value("schedule")
	steps, warmup := 20*156, 312 // 20 epochs of RTE's 2,490 rows in batches of 16
	s := Schedule{kind, 2e-5, warmup, steps}
	require.Equal(t, []float64{0, 1e-5, 2e-5, 0}, []float64{s.LR(0), s.LR(warmup / 2), s.LR(warmup), s.LR(steps)})
}

// Without bias correction the steps of AdamW are 3.16, 6.53 and 1.26 times as large at t = 1, 10 and 1000, where the gradient stays the same
// and is large beside epsilon (Mosbach et al. 2021, section 5): the update is lr sqrt(c2)/c1 m/sqrt(v) of the one with it.
func TestAdamDebias(t *testing.T) {
	step := func(a *AdamW, t int, lr float64) float64 { // of a constant gradient 1
		h := a.Hyper(t, lr)
		m, v := 1-math.Pow(a.Beta1, float64(t)), 1-math.Pow(a.Beta2, float64(t))
		return float64(h[0]) * m * float64(h[1]) / math.Sqrt(v*float64(h[2]))
	}
	right, biased := &AdamW{Beta1: 0.9, Beta2: 0.999}, &AdamW{Beta1: 0.9, Beta2: 0.999, Biased: true}
	for at, want := range map[int]float64{1: 3.162, 10: 6.53, 1000: 1.26} {
		require.InDelta(t, 2e-5, step(right, at, 2e-5), 1e-10, "with the correction a constant gradient gives steps of lr")
		require.InDelta(t, want, step(biased, at, 2e-5)/step(right, at, 2e-5), 1e-2, "step %d", at)
	}
}

func TestAdamBiasCorrectionFlag(t *testing.T) {
	for value, biased := range map[string]bool{"true": false, "false": true} {
		a := &AdamW{}
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		a.Flags(f)
		require.Equal(t, "true", f.Lookup("adam-bias-correction").DefValue)
		require.NoError(t, f.Parse([]string{"--adam-bias-correction=" + value}))
		require.Equal(t, biased, a.Biased)
		require.Equal(t, value, f.Lookup("adam-bias-correction").Value.String())
		require.Error(t, f.Parse([]string{"--adam-bias-correction=maybe"}))
	}
}

func TestRecipeUnknown(t *testing.T) {
	_, err := RecipeOf("mosbch")
	require.EqualError(t, err, `recipe "mosbch" is not known: have mosbach`)
	for _, n := range Recipes() {
		r, err := RecipeOf(n)
		require.NoError(t, err)
		require.NotEmpty(t, r.Paper+r.About)
		require.NotEmpty(t, r.Settings)
	}
}
