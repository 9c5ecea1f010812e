package zeroth

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/data"
	"luthier/model"
	"luthier/peft"
	"luthier/train"
)

// golden is one of model's tiny checkpoints with a method and a task.
type golden struct {
	dir    string
	task   model.Task
	labels int
	method string
	only   []string // of method full
	keep   bool     // trained matrices stay bf16
}

func (g golden) String() string {
	if g.keep {
		return g.dir + ", " + g.method + ", bf16 kept"
	}
	return g.dir + ", " + g.method
}

var (
	bertLoRA  = golden{dir: "bert_seqcls", task: model.Classify, labels: 3, method: "lora"}
	bertFull  = golden{dir: "bert_seqcls", task: model.Classify, labels: 3, method: "full"}
	llamaLoRA = golden{dir: "llama_tied", task: model.CausalLM, method: "lora"}
	llamaFull = golden{dir: "llama_tied", task: model.CausalLM, method: "full"}
	llamaBF16 = golden{dir: "llama_bf16", task: model.CausalLM, method: "full", keep: true}
	headOnly  = golden{dir: "bert_regression", task: model.Regress, labels: 1, method: "full", only: []string{"classifier."}}
)

// engine opens the model on a device.
func (g golden) engine(t *testing.T, dev backend.Device) *train.Engine {
	t.Helper()
	dir := filepath.Join("..", "model", "testdata", g.dir)
	c, err := model.ReadConfig(dir)
	require.NoError(t, err)
	w, err := model.OpenWeights(dir, c)
	require.NoError(t, err)
	w.KeepType, w.Positions, w.Seed = g.keep, c.MaxPositions, 3
	m, err := peft.New(g.method)
	require.NoError(t, err)
	if f, ok := m.(*peft.Full); ok {
		f.Only = g.only
	}
	require.NoError(t, m.Setup(c, g.task))
	e := train.NewEngine(dev, c, w, m, g.task, g.labels)
	t.Cleanup(func() {
		e.Close()
		require.NoError(t, w.Close())
	})
	return e
}

// batches are n batches of 3 rows, the last of them padding in the second batch and every third after it.
func (g golden) batches(t *testing.T, n int) []*data.Batch {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 9))
	var out []*data.Batch
	for i := range n {
		var seqs []data.Sequence
		for k := range 3 - min(1, i%3) {
			s := data.Sequence{Class: int32(r.IntN(3)), Target: float32(r.NormFloat64()), Line: 3*i + k + 1, IDs: []int32{2}}
			for range 4 + r.IntN(6) {
				s.IDs = append(s.IDs, int32(10+r.IntN(60)))
			}
			s.TypeIDs = make([]int32, len(s.IDs))
			if g.task == model.CausalLM {
				s.Labels = append([]int32{data.Ignore}, s.IDs[1:]...)
			}
			seqs = append(seqs, s)
		}
		l, err := data.NewLoader(seqs, data.LoaderOptions{BatchSize: 3, NoShuffle: true})
		require.NoError(t, err)
		b, more := l.Next()
		require.True(t, more)
		out = append(out, b)
	}
	return out
}

func shapesOf(bs []*data.Batch) (out []train.Shape) {
	seen := map[train.Shape]bool{}
	for _, b := range bs {
		if s := (train.Shape{B: b.B, T: b.T}); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// options are the variant's with changes.
func options(t *testing.T, variant string, change func(*Options)) Options {
	t.Helper()
	o, err := Defaults(variant)
	require.NoError(t, err)
	o.Seed, o.HashSteps = 11, 2
	if change != nil {
		change(&o)
	}
	return o
}

// ready is a stepper that is prepared for the batches.
func ready(t *testing.T, e *train.Engine, o Options, bs []*data.Batch) *Stepper {
	t.Helper()
	s, err := New(e, o)
	require.NoError(t, err)
	require.NoError(t, s.Prepare(shapesOf(bs)))
	return s
}

// steps takes them, each with so many of the batches, and gives the results.
func (s *Stepper) steps(t *testing.T, bs []*data.Batch, accumulate int, lr float64) []train.Result {
	t.Helper()
	ctx := context.Background()
	for i := 0; i < len(bs); i += accumulate {
		require.NoError(t, s.Step(ctx, i/accumulate+1, lr, bs[i:i+accumulate]))
	}
	rs, err := s.Results(ctx, true)
	require.NoError(t, err)
	return rs
}

// trained are the weights as they are now.
func (s *Stepper) trained(t *testing.T) []Tensor {
	t.Helper()
	ts, err := s.tensors(context.Background())
	require.NoError(t, err)
	return ts
}

// held are the bytes of leaves of a run by name.
func held(t *testing.T, e *train.Engine, names []string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, n := range names {
		raw, err := e.Store.Read(context.Background(), n)
		require.NoError(t, err)
		out[n] = raw
	}
	return out
}
