package zeroth

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/backend/webgpu"
	"luthier/internal/testdev"
)

// The paper's method keeps a curvature a weight. Under Rademacher noise all of them are one number, and it is the one that the log gives;
// under Gaussian noise they are not.
func TestHiZOOCurvatureIsOneNumber(t *testing.T) {
	const alpha, n = 0.3, 50
	u := Update{Rule: Curvature, Alpha: alpha}
	spread := func(noise Noise) (least, most, logged float64) {
		h := make([]float64, n)
		for i := range h {
			h[i] = 1
		}
		var rs []Record
		for step := uint32(1); step <= 9; step++ {
			c := math.Abs(3 * math.Sin(float64(step)))
			term := Term{Seed: Seed(5, step, 0), Noise: noise}
			z := make([]int8, n)
			term.Values(z, 1, n, 0, 0)
			for i := range h {
				v := float64(z[i]) * float64(z[i])
				if noise == Gaussian {
					v /= 8
				}
				h[i] = (1-alpha)*h[i] + alpha*float64(float32(c))*h[i]*v // 2402.15173, a weight at a time
			}
			rs = append(rs, Record{Step: step, Seed: term.Seed, G: 1}, Record{Step: step, Seed: term.Seed, G: float32(c)})
		}
		least, most = math.Inf(1), 0
		for _, v := range h {
			least, most = min(least, v), max(most, v)
		}
		return least, most, u.curvature(rs)
	}
	least, most, logged := spread(Rademacher)
	assert.Equal(t, least, most)
	assert.InEpsilon(t, least, logged, 1e-14)
	assert.NotEqual(t, 1., logged)
	least, most, _ = spread(Gaussian)
	assert.Greater(t, most, 2*least)
}

// On a parabola the curvature seen is half of its second derivative, divided by H as the perturbation is; the perturbation and the step
// follow it.
func TestHiZOOFollowsCurvature(t *testing.T) {
	const eps, alpha, slope, bend = 1e-2, 0.25, 0.7, 6.0
	o := options(t, "hizoo", func(o *Options) { o.Alpha, o.Eps = alpha, eps })
	s := &Stepper{o: o, rule: hizoo{}, Header: Header{Format: 1, Noise: Rademacher, Update: o.update()}}
	h := 1.0
	for step := 1; step <= 40; step++ {
		p := s.probe(context.Background(), step, 0.5, nil)
		var seen []float64
		p.losses = func(_ uint64, as []float64) (out []float64, err error) {
			seen = append(seen, as...)
			for _, a := range as {
				out = append(out, 2+slope*a+bend*a*a/2)
			}
			return out, nil
		}
		rs, _, err := s.rule.measure(p)
		require.NoError(t, err)
		require.Len(t, rs, 2)
		require.InDeltaSlice(t, []float64{0, eps / math.Sqrt(h), -eps / math.Sqrt(h)}, seen, 1e-9)
		assert.InDelta(t, slope/math.Sqrt(h), rs[0].G, 1e-5)
		assert.InDelta(t, bend/2/h, rs[1].G, 1e-5)
		terms, err := s.Header.Terms(s.records, rs)
		require.NoError(t, err)
		h = (1-alpha)*h + alpha*bend/2
		require.Len(t, terms, 1)
		assert.InDelta(t, -0.5*float64(rs[0].G)/math.Sqrt(h), terms[0].S, 1e-6)
		s.records = append(s.records, rs...)
	}
	assert.InDelta(t, bend/2, h, 1e-3, "where it settles")
}

// With alpha 0 it is MeZO, to the bit, whatever the third forward pass sees.
func TestHiZOOIsMeZOAtZero(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertLoRA, llamaFull, llamaBF16} {
		for _, pairs := range []string{"together", "apart"} {
			bs := m.batches(t, 4)
			same := func(o *Options) { o.Pairs, o.Alpha = pairs, 0 }
			mezo := ready(t, m.engine(t, dev), options(t, "mezo", same), bs)
			h := ready(t, m.engine(t, dev), options(t, "hizoo", same), bs)
			want, got := mezo.steps(t, bs, 1, 0.01), h.steps(t, bs, 1, 0.01)
			assert.Equal(t, want, got)
			assert.Equal(t, mezo.trained(t), h.trained(t))
			assert.Equal(t, len(bs), h.Forwards-mezo.Forwards)
		}
	}
}

// A run replays from its log, and goes on from it: the curvature is nowhere else.
func TestHiZOOReplayAndResume(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertLoRA, llamaBF16} {
		bs := m.batches(t, 6)
		open := func(dir string) *Stepper {
			s := ready(t, m.engine(t, dev), options(t, "hizoo", func(o *Options) { o.Alpha = 0.2 }), bs)
			s.LogPath = filepath.Join(dir, "run.log")
			return s
		}
		straight := open(t.TempDir())
		start := straight.trained(t)
		straight.steps(t, bs, 1, 0.01)
		require.NoError(t, straight.Close())
		require.Empty(t, straight.States())
		h := straight.Header.Update.curvature(straight.records)
		require.Greater(t, math.Abs(h-1), 1e-3, "the run had a curvature")
		log, err := Read(straight.LogPath)
		require.NoError(t, err)
		require.NoError(t, Replay(log, start, -1))
		assert.Equal(t, straight.trained(t), start)

		dir := t.TempDir()
		first := open(dir)
		first.steps(t, bs[:4], 1, 0.01)
		require.NoError(t, first.Close())
		second := open(dir)
		for name, raw := range held(t, first.e, first.e.Trainable()) {
			require.NoError(t, second.e.Store.Write(name, raw))
		}
		second.Resume(4)
		for step := 5; step <= 6; step++ {
			require.NoError(t, second.Step(context.Background(), step, 0.01, bs[step-1:step]))
		}
		assert.Equal(t, straight.trained(t), second.trained(t))
	}
}

func TestHiZOORefuses(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"--hizoo-alpha 1":  func(o *Options) { o.Alpha = 1 },
		"--directions 2":   func(o *Options) { o.Directions = 2 },
		"--noise gaussian": func(o *Options) { o.Noise = Gaussian },
	} {
		o := options(t, "hizoo", change)
		assert.ErrorContains(t, o.Check(), want)
	}
	h := Header{Format: 1, Noise: Rademacher, Update: Update{Rule: Curvature, Alpha: 0.5}}
	require.NoError(t, h.check())
	_, err := h.Terms(nil, []Record{{Step: 3, G: 1, LR: 1}})
	assert.ErrorContains(t, err, "step 3: 1 records")
	h.Noise = Gaussian
	assert.ErrorContains(t, h.check(), "rule curvature with gaussian noise")
	h.Noise, h.Update.Alpha = Rademacher, math.NaN()
	assert.ErrorContains(t, h.check(), "alpha NaN")
}
