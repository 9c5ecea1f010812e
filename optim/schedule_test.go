package optim

import (
	"math"
	"testing"

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

// The first steps of AdamW without bias correction would be 3.16 and 6.53 times as large (methods of the few-sample papers).
func TestAdamDebias(t *testing.T) {
	a := &AdamW{Beta1: 0.9, Beta2: 0.999}
	for step, want := range map[int]float64{1: 3.162, 10: 6.53} {
		h := a.Hyper(step, 1)
		require.InDelta(t, want, math.Sqrt(float64(h[2]))/float64(h[1]), 1e-2)
	}
}
