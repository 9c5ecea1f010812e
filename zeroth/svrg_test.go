package zeroth

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/graph"
	"luthier/internal/testdev"
)

func svrgOptions(t *testing.T, every int, change func(*Options)) Options {
	return options(t, "mezo-svrg", func(o *Options) {
		o.AnchorEvery, o.FullLR = every, 1
		if change != nil {
			change(o)
		}
	})
}

// anchor is what the anchor holds.
func (s *Stepper) anchor(t *testing.T) (out []Tensor) {
	t.Helper()
	for _, x := range s.Header.Tensors {
		raw, err := s.e.Store.Read(context.Background(), graph.AnchorPrefix+x.Name)
		require.NoError(t, err)
		out = append(out, TensorOf(x, raw))
	}
	return out
}

// The anchor keeps the weights of its step, whatever the steps after it do. Losses around it are those that MeZO measures where they were:
// the reference code's anchor was the live weights under another name.
func TestSVRGAnchorStays(t *testing.T) {
	devices := map[string]backend.Device{"float64": ref.New(), "adapter": testdev.Open(t, webgpu.Options{})}
	for name, dev := range devices {
		for _, m := range []golden{bertLoRA, llamaFull, llamaBF16} {
			if name == "float64" && m.method == "full" {
				continue // slow
			}
			for _, pairs := range []string{"together", "apart"} {
				t.Run(fmt.Sprintf("%s, %s, %s", name, m, pairs), func(t *testing.T) {
					bs := m.batches(t, 5)
					e := m.engine(t, dev)
					s := ready(t, e, svrgOptions(t, 3, func(o *Options) { o.Pairs = pairs }), bs)
					start := s.trained(t)
					ctx := context.Background()
					for step := 1; step <= 3; step++ {
						require.NoError(t, s.Step(ctx, step, 0.01, bs[step-1:step]))
						assert.Equal(t, start, s.anchor(t), "after step %d", step)
						require.NotEqual(t, start, s.trained(t))
					}
					before := s.trained(t)
					p := s.probe(ctx, 4, 0.01, bs[3:4])
					p.anchor = true
					around, _, err := spsa{}.measure(p)
					require.NoError(t, err)
					require.NoError(t, s.Step(ctx, 4, 0.01, bs[3:4]))
					assert.Equal(t, before, s.anchor(t), "the next anchor")

					fresh := ready(t, m.engine(t, dev), options(t, "mezo", func(o *Options) { o.Pairs = pairs }), bs)
					p = fresh.probe(ctx, 4, 0.01, bs[3:4])
					want, _, err := spsa{}.measure(p)
					require.NoError(t, err)
					assert.Equal(t, want, around)
				})
			}
		}
	}
}

// Where the weights are the anchor, the two terms of the batch, along one direction, cancel: the full batch's is left, to the bit.
func TestSVRGTermsCancel(t *testing.T) {
	for name, dev := range map[string]backend.Device{"float64": ref.New(), "adapter": testdev.Open(t, webgpu.Options{})} {
		for _, m := range []golden{bertLoRA, llamaBF16} {
			if name == "float64" && m.keep {
				continue // slow
			}
			for _, change := range []func(*Options){directions(1), directions(3), func(o *Options) { o.OneSided = true }, func(o *Options) { o.Noise = Gaussian }} {
				bs := m.batches(t, 4)
				s := ready(t, m.engine(t, dev), svrgOptions(t, 3, change), bs)
				s.steps(t, bs, 1, 0)
				n := s.o.Directions
				require.Len(t, s.records, n*(1+2+2+1))
				full := s.records[:n]
				for _, step := range []int{2, 3} {
					now := s.records[n*(2*step-3) : n*(2*step-1)]
					for i := range n {
						assert.Equal(t, Seed(11, uint32(step), uint32(i)), now[i].Seed)
						assert.Zero(t, now[i].G, "%s, %s", name, m)
						want := full[i]
						want.Step = uint32(step)
						assert.Equal(t, want, now[n+i])
						assert.NotZero(t, full[i].G)
					}
				}
			}
		}
	}
}

// With an anchor in every step the method is MeZO on the full batch: the same bytes, and no copy of the weights.
func TestSVRGIsMeZOAtOne(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertLoRA, llamaFull, llamaBF16} {
		bs := m.batches(t, 3)
		mezo := ready(t, m.engine(t, dev), options(t, "mezo", nil), bs)
		s := ready(t, m.engine(t, dev), svrgOptions(t, 1, nil), bs)
		s.Full = func(int) ([]*data.Batch, error) { return bs, nil }
		for step := 1; step <= 3; step++ {
			require.NoError(t, mezo.Step(context.Background(), step, 0.01, bs))
			require.NoError(t, s.Step(context.Background(), step, 0.01, bs[:1]))
		}
		assert.Equal(t, mezo.records, s.records)
		assert.Equal(t, mezo.trained(t), s.trained(t))
		assert.Empty(t, s.States())
		assert.Equal(t, mezo.Plan.Total(), s.Plan.Total())
	}
}

// The copy is all that the method adds to the plan.
func TestSVRGPlan(t *testing.T) {
	for _, m := range []golden{bertLoRA, llamaFull, llamaBF16} {
		shape := shapesOf(m.batches(t, 1))[0]
		draft := func(o Options) *graph.Plan {
			s, err := New(m.engine(t, ref.New()), o)
			require.NoError(t, err)
			d, err := s.Draft(shape)
			require.NoError(t, err)
			return d.Plan
		}
		mezo, svrg := draft(options(t, "mezo", nil)), draft(svrgOptions(t, 2, nil))
		assert.Equal(t, mezo.Persistent[graph.Params], svrg.Persistent[graph.Params])
		assert.Equal(t, mezo.Persistent[graph.Params], svrg.Persistent[graph.States])
		assert.Equal(t, mezo.Total()+mezo.Persistent[graph.Params], svrg.Total())
	}
}

// The log is one of plain records, and a run that was stopped between anchors goes on as if it had not been.
func TestSVRGReplayAndResume(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertLoRA, llamaFull, llamaBF16} {
		bs := m.batches(t, 7)
		full := func(step int) ([]*data.Batch, error) { return bs[step%3 : step%3+2], nil }
		open := func(dir string) *Stepper {
			s := ready(t, m.engine(t, dev), svrgOptions(t, 3, func(o *Options) { o.FullLR = 10 }), bs)
			s.Full, s.LogPath = full, filepath.Join(dir, "run.log")
			return s
		}
		straight := open(t.TempDir())
		start := straight.trained(t)
		results := straight.steps(t, bs, 1, 0.01)
		assert.InDelta(t, 0.1, results[0].LR, 1e-8)
		assert.InDelta(t, 0.01, results[1].LR, 1e-9)
		require.NoError(t, straight.Close())
		log, err := Read(straight.LogPath)
		require.NoError(t, err)
		assert.Equal(t, Update{Rule: Plain}, log.Header.Update)
		require.NoError(t, Replay(log, start, -1))
		assert.Equal(t, straight.trained(t), start)

		fromLog := open(filepath.Dir(straight.LogPath)) // without a checkpoint: the anchor is in the log too
		last, err := fromLog.Restore(context.Background(), nil)
		require.NoError(t, err)
		assert.Equal(t, 7, last)
		assert.Equal(t, straight.trained(t), fromLog.trained(t))
		assert.Equal(t, straight.anchor(t), fromLog.anchor(t))

		dir := t.TempDir()
		first := open(dir)
		first.steps(t, bs[:5], 1, 0.01)
		require.NoError(t, first.Close())
		names := append(first.e.Trainable(), first.States()...)
		require.Greater(t, len(names), len(first.Header.Tensors))
		second := open(dir)
		for name, raw := range held(t, first.e, names) {
			require.NoError(t, second.e.Store.Write(name, raw))
		}
		second.Resume(5)
		for step := 6; step <= 7; step++ {
			require.NoError(t, second.Step(context.Background(), step, 0.01, bs[step-1:step]))
		}
		assert.Equal(t, straight.trained(t), second.trained(t))
		assert.Equal(t, straight.records, second.records)
	}
}

// A batch that is larger than what is queued at once has the mean loss of its parts.
func TestManyBatches(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	one := bertLoRA.batches(t, 1)
	var many []*data.Batch
	for range inFlight + 7 {
		many = append(many, one[0])
	}
	for _, pairs := range []string{"together", "apart"} {
		s := ready(t, bertLoRA.engine(t, dev), options(t, "mezo", func(o *Options) { o.Pairs = pairs }), one)
		loss := func(bs []*data.Batch) (plus, minus float64) {
			p := s.probe(context.Background(), 1, 0, bs)
			plus, minus, err := p.pair(p.seed(0), 0.1)
			require.NoError(t, err)
			return plus, minus
		}
		plus, minus := loss(many)
		wantPlus, wantMinus := loss(one)
		assert.InDelta(t, wantPlus, plus, 1e-12)
		assert.InDelta(t, wantMinus, minus, 1e-12)
		assert.NotEqual(t, plus, minus)
	}
}

// The last anchor is found in the log: skipped steps set none, and where every anchor's step was skipped the first good one did.
func TestAnchorOf(t *testing.T) {
	rec := func(step uint32, g float32) Record { return Record{Step: step, G: g} }
	nan := history(4, 1)[3].G
	assert.Nil(t, anchorOf(nil, 3))
	assert.Nil(t, anchorOf([]Record{rec(1, nan)}, 3))
	for _, c := range []struct {
		rs   []Record
		want uint32
	}{
		{[]Record{rec(1, 1)}, 1},
		{[]Record{rec(1, 1), rec(1, 2), rec(2, 1), rec(3, 1)}, 1},
		{[]Record{rec(1, 1), rec(2, 1), rec(3, 1), rec(4, 1), rec(5, 1)}, 4},
		{[]Record{rec(1, 1), rec(2, 1), rec(3, 1), rec(4, nan), rec(5, 1)}, 1},
		{[]Record{rec(1, nan), rec(2, 1), rec(3, 1)}, 2},
		{[]Record{rec(1, nan), rec(2, nan), rec(3, 1), rec(4, nan), rec(5, 5), rec(6, 6)}, 3},
	} {
		a := anchorOf(c.rs, 3)
		require.NotNil(t, a)
		assert.Equal(t, c.want, a[0].Step, "%v", c.rs)
	}
	assert.Len(t, anchorOf([]Record{rec(1, 1), rec(1, 2), rec(2, 1)}, 3), 2, "every direction")
}

func TestSVRGOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"--svrg-every 0":    func(o *Options) { o.AnchorEvery = 0 },
		"--svrg-batches -1": func(o *Options) { o.AnchorBatches = -1 },
		"--svrg-full-lr -1": func(o *Options) { o.FullLR = -1 },
		"another":           func(o *Options) { o.Noise = LowRank },
	} {
		o := options(t, "mezo-svrg", change)
		assert.ErrorContains(t, o.Check(), want)
	}
}
