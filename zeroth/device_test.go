package zeroth

import (
	"context"
	"fmt"
	"os"
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

// logged is a run on a device with a log: its weights before and after, and the log's bytes.
func logged(t *testing.T, dev backend.Device, m golden, o Options, bs []*data.Batch, accumulate int, lr float64) (start, end []Tensor, log string) {
	t.Helper()
	s := ready(t, m.engine(t, dev), o, bs)
	s.LogPath = filepath.Join(t.TempDir(), "replay.log")
	start = s.trained(t)
	for _, r := range s.steps(t, bs, accumulate, lr) {
		require.False(t, r.Skipped)
		require.True(t, finite(r.Loss))
	}
	require.NoError(t, s.Close())
	return start, s.trained(t), s.LogPath
}

// Both signs in one pass over the weights, or one after the other: the same losses to the bit, hence the same log and weights.
func TestPairsTogetherAreThoseApart(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertLoRA, bertFull, llamaLoRA, llamaFull} {
		t.Run(m.String(), func(t *testing.T) {
			bs := m.batches(t, 4)
			run := func(pairs string) ([]Tensor, []byte) {
				start, end, log := logged(t, dev, m, options(t, "mezo", func(o *Options) { o.Pairs = pairs }), bs, 2, 1e-3)
				require.NotEqual(t, start, end)
				raw, err := os.ReadFile(log)
				require.NoError(t, err)
				return end, raw
			}
			apart, apartLog := run("apart")
			together, togetherLog := run("together")
			assert.Equal(t, apart, together)
			assert.Equal(t, apartLog, togetherLog)
		})
	}
}

// Variants at their neutral setting are MeZO on the device too, kernels with a threshold that nothing exceeds included.
func TestNeutralVariantsAreMeZO(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertFull, llamaBF16} {
		bs := m.batches(t, 2)
		_, want, log := logged(t, dev, m, options(t, "mezo", nil), bs, 1, 1e-3)
		l, err := Read(log)
		require.NoError(t, err)
		for _, o := range []Options{options(t, "sparse-mezo", func(o *Options) { o.Sparsity = 0 }), options(t, "mezo-momentum", func(o *Options) { o.Beta1 = 0 })} {
			_, got, log := logged(t, dev, m, o, bs, 1, 1e-3)
			require.Equal(t, want, got, "%s, %s", m, o.Variant)
			same, err := Read(log)
			require.NoError(t, err)
			require.Equal(t, l.Records, same.Records)
			require.Equal(t, l.Hashes, same.Hashes)
		}
	}
}

// What is measured is what a rule may look at: no forward pass writes a weight, trained or frozen, in any of the forms in which the device
// keeps it; and a step writes the trained ones only.
func TestMeasuringWritesNoWeight(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, m := range []golden{bertLoRA, llamaBF16} {
		for _, pairs := range []string{"apart", "together"} {
			t.Run(fmt.Sprint(m, ", ", pairs), func(t *testing.T) {
				bs := m.batches(t, 1)
				e := m.engine(t, dev)
				s := ready(t, e, options(t, "mezo", func(o *Options) { o.Pairs, o.Eps = pairs, 0.1 }), bs)
				raw := func(k graph.Kind) map[string][]byte {
					out := map[string][]byte{}
					for _, name := range e.Store.Forms(k) {
						for i, b := range e.Store.Buffers(name) {
							x, err := backend.Read(context.Background(), dev, b)
							require.NoError(t, err)
							out[fmt.Sprint(name, " part ", i)] = x
						}
					}
					return out
				}
				trained, frozen := raw(graph.Trainable), raw(graph.Frozen)
				for step := range 3 {
					p := s.probe(context.Background(), step+1, 0, bs)
					_, _, err := p.pair(p.seed(0), 0.1)
					require.NoError(t, err)
				}
				require.Equal(t, trained, raw(graph.Trainable))
				require.Equal(t, frozen, raw(graph.Frozen))
				require.NotEmpty(t, trained)
				s.steps(t, bs, 1, 1e-3)
				require.NotEqual(t, trained, raw(graph.Trainable))
				require.Equal(t, frozen, raw(graph.Frozen))
			})
		}
	}
}

// From the third step on the device makes nothing but submits and dispatches.
func TestStepsAllocateNothing(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, variant := range []string{"mezo", "mezo-momentum", "fzoo", "mezo-conservative"} {
		bs := bertLoRA.batches(t, 1)
		s := ready(t, bertLoRA.engine(t, dev), options(t, variant, func(o *Options) { o.HashSteps = 0 }), bs)
		ctx := context.Background()
		type counts struct {
			buffers, groups, pipelines int
			bytes                      int64
		}
		var at []counts
		for step := 1; step <= 8; step++ {
			require.NoError(t, s.Step(ctx, step, 1e-3, bs))
			d := dev.Stats()
			bytes, _ := dev.Allocated()
			at = append(at, counts{d.Buffers, d.BindGroups, d.Pipelines, bytes})
		}
		for i := 3; i < len(at); i++ {
			require.Equal(t, at[2], at[i], "%s, step %d", variant, i+1)
		}
	}
}

// again makes a run's updates from its log with the programs of a device that measures nothing.
func again(t *testing.T, dev backend.Device, m golden, o Options, bs []*data.Batch, l *Log) []Tensor {
	t.Helper()
	s := ready(t, m.engine(t, dev), o, bs)
	require.NoError(t, s.start(context.Background()))
	require.Equal(t, l.Header.Start, s.Header.Start)
	require.Equal(t, l.Header.Tensors, s.Header.Tensors)
	for past, now := range Steps(l.Records) {
		terms, err := s.Header.Terms(past, now)
		require.NoError(t, err)
		for _, term := range terms {
			require.NoError(t, s.add(context.Background(), term))
		}
	}
	return s.trained(t)
}

// Three ways to the same bytes: the run on the device, the host with the log alone, and the float64 device, whose update rounds as the
// kernel does.
func TestReplayIsTheRunsBytes(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	type variant struct {
		name   string
		change func(*Options)
	}
	all := []variant{{"mezo", nil}, {"mezo", func(o *Options) { o.Noise, o.Directions = Gaussian, 3 }}, {"mezo", func(o *Options) { o.OneSided = true }},
		{"mezo-sign", nil}, {"mezo-momentum", func(o *Options) { o.Window = 3 }}, {"mezo-adam", func(o *Options) { o.Window = 3 }}, {"mezo-conservative", nil},
		{"fzoo", nil}, {"lozo", func(o *Options) { o.Period = 2 }}, {"sparse-mezo", nil}, {"sparse-mezo", func(o *Options) { o.Noise = Gaussian }},
		{"hizoo", func(o *Options) { o.Alpha = 0.2 }}, {"mezo-svrg", nil}}
	seen := map[string]bool{}
	for _, v := range all {
		seen[v.name] = true
	}
	for _, name := range Variants() {
		require.True(t, seen[name], "%s is not replayed by this test", name)
	}
	for _, m := range []golden{bertFull, llamaBF16} {
		bs := m.batches(t, 4)
		for i, v := range all {
			t.Run(fmt.Sprint(m, ", ", v.name, " ", i), func(t *testing.T) {
				o := options(t, v.name, v.change)
				start, want, path := logged(t, dev, m, o, bs, 1, 2e-3)
				l, err := Read(path)
				require.NoError(t, err)
				require.Len(t, l.Hashes, 2)
				got := clone(start)
				require.NoError(t, Replay(l, got, -1))
				require.Equal(t, want, got, "on the host")
				require.Equal(t, want, again(t, ref.New(), m, o, bs, l), "on the reference device")
				moved := 0
				for i := range want {
					if a, b := (&start[i]).Floats(), (&want[i]).Floats(); !assert.ObjectsAreEqual(a, b) {
						moved++
					}
				}
				require.Greater(t, moved, len(want)*2/3, "tensors moved")
			})
		}
	}
}
