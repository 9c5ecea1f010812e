package zeroth

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func plainHeader(rule string) Header {
	return Header{Format: 1, Noise: Rademacher, Update: Update{Rule: rule, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Window: 64}}
}

// history is some steps with a skipped one among them.
func history(steps, directions int) (rs []Record) {
	for i := range steps {
		if i == 3 {
			rs = append(rs, Record{Step: 3, Seed: 3, G: float32(math.NaN()), LR: 0.1})
			continue
		}
		for d := range directions {
			rs = append(rs, Record{Step: uint32(i), Seed: Seed(1, uint32(i), uint32(d)), G: float32(math.Sin(float64(7*i + d))), LR: 0.1 / float32(i+1)})
		}
	}
	return rs
}

func allTerms(t *testing.T, h Header, rs []Record) (out [][]Term) {
	t.Helper()
	for past, now := range Steps(rs) {
		terms, err := h.Terms(past, now)
		require.NoError(t, err)
		out = append(out, terms)
	}
	return out
}

func TestPlainTerms(t *testing.T) {
	rs := history(6, 2)
	got := allTerms(t, plainHeader(Plain), rs)
	require.Len(t, got, 6)
	assert.Empty(t, got[3], "skipped")
	for i, r := range rs[:6] {
		assert.Equal(t, Term{Seed: r.Seed, S: float32(-(float64(r.LR) * float64(r.G))), Noise: Rademacher}, got[i/2][i%2])
	}
	h := plainHeader(Plain)
	h.Noise, h.Rank, h.Period, h.Seed = LowRank, 4, 2, 9
	low := allTerms(t, h, rs)[5][1]
	assert.Equal(t, uint64(0), low.Seed^rs[len(rs)-1].Seed)
	assert.Equal(t, Seed(9, 2, math.MaxUint32), low.Right)
	assert.Equal(t, 4, low.Rank)
	_, err := h.Terms(nil, []Record{{Step: 8, G: math.MaxFloat32, LR: 1e6}})
	assert.ErrorContains(t, err, "step 8")
	_, err = h.Terms(nil, []Record{{Step: 8, G: float32(math.Inf(1)), LR: 1}})
	assert.ErrorContains(t, err, "step 8")
}

// With its memory off, momentum is MeZO: the same bits.
func TestMomentumIsPlainAtZero(t *testing.T) {
	rs := history(8, 3)
	want := allTerms(t, plainHeader(Plain), rs)
	h := plainHeader(Momentum)
	h.Update.Beta1 = 0
	assert.Equal(t, want, allTerms(t, h, rs))
	h.Update.Beta1, h.Update.Window = 0.9, 1
	assert.Equal(t, want, allTerms(t, h, rs))
}

// moved is the sum of a step's terms along each direction: the step of an optimizer that stores its moments, in the space of seeds.
func moved(terms []Term) map[uint64]float64 {
	out := map[uint64]float64{}
	for _, t := range terms {
		out[t.Seed] += float64(t.S)
	}
	return out
}

// The regenerated moment is the stored one: m = beta m + g z.
func TestMomentumEqualsStoredMoment(t *testing.T) {
	rs := history(12, 2)
	h := plainHeader(Momentum)
	h.Update.Window = 12
	m := map[uint64]float64{}
	for past, now := range Steps(rs) {
		terms, err := h.Terms(past, now)
		require.NoError(t, err)
		if now[0].Skipped() {
			continue
		}
		for s := range m {
			m[s] *= 0.9
		}
		for _, r := range now {
			m[r.Seed] += float64(r.G)
		}
		got := moved(terms)
		require.Len(t, got, len(m))
		for s, v := range m {
			assert.InDelta(t, -float64(now[0].LR)*v, got[s], 1e-7*math.Abs(v))
		}
	}
}

// Kingma and Ba 2014, algorithm 1, with g z as the gradient; z^2 = 1.
func TestPaperAdamTerms(t *testing.T) {
	rs := history(12, 1)
	h := plainHeader(Adam)
	m, v, steps := map[uint64]float64{}, 0.0, 0
	for past, now := range Steps(rs) {
		terms, err := h.Terms(past, now)
		require.NoError(t, err)
		if now[0].Skipped() {
			require.Empty(t, terms)
			continue
		}
		steps++
		g := float64(now[0].G)
		for s := range m {
			m[s] *= 0.9
		}
		m[now[0].Seed] += 0.1 * g
		v = 0.999*v + 0.001*g*g
		mhat, vhat := 1/(1-math.Pow(0.9, float64(steps))), v/(1-math.Pow(0.999, float64(steps)))
		got := moved(terms)
		for s, c := range m {
			want := -float64(now[0].LR) * c * mhat / (math.Sqrt(vhat) + 1e-8)
			assert.InDelta(t, want, got[s], 2e-7*math.Abs(want))
		}
	}
}

// Without memory Adam is the sign of g.
func TestAdamIsSignAtZero(t *testing.T) {
	h := plainHeader(Adam)
	h.Update.Beta1, h.Update.Beta2, h.Update.Eps = 0, 0, 0
	for _, terms := range allTerms(t, h, []Record{{Step: 1, G: 0.3, LR: 0.5}, {Step: 2, G: -7, LR: 0.25}, {Step: 3, G: 0, LR: 1}}) {
		for _, term := range terms {
			assert.Contains(t, []float32{-0.5, 0.25}, term.S)
		}
	}
	_, err := h.Terms(nil, []Record{{G: 1}, {G: 2}})
	assert.ErrorContains(t, err, "takes one")
}

// A window cuts the first moment off and keeps its weights' sum at 1.
func TestAdamWindow(t *testing.T) {
	h := plainHeader(Adam)
	h.Update.Window = 3
	var rs []Record
	for i := range 9 {
		rs = append(rs, Record{Step: uint32(i), Seed: uint64(i), G: 2, LR: 1})
	}
	last := allTerms(t, h, rs)[8]
	require.Len(t, last, 3)
	assert.Equal(t, []uint64{8, 7, 6}, []uint64{last[0].Seed, last[1].Seed, last[2].Seed}, "newest first")
	assert.InDelta(t, -1, last[0].S+last[1].S+last[2].S, 1e-6)
}
