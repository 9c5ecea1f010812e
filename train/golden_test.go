package train

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/internal/testdev"
	"luthier/model"
	"luthier/model/safetensors"
	"luthier/optim"
)

// everything trains every weight.
type everything struct{ model.None }

func (everything) Trains(string) bool { return true }

func modelDir(name string) string { return filepath.Join("..", "model", "testdata", name) }

// openEngine makes an engine that trains every weight of a golden model.
func openEngine(t *testing.T, dev backend.Device, dir string, task model.Task, labels int, change func(*model.Config)) *Engine {
	cfg, err := model.ReadConfig(dir)
	require.NoError(t, err)
	if change != nil {
		change(cfg)
	}
	w, err := model.OpenWeights(dir, cfg)
	require.NoError(t, err)
	e := NewEngine(dev, cfg, w, everything{}, task, labels)
	t.Cleanup(func() {
		e.Close()
		require.NoError(t, w.Close())
	})
	return e
}

// goldenFile reads PyTorch's values.
type goldenFile struct {
	t *testing.T
	*safetensors.File
}

func openGolden(t *testing.T, dir string) goldenFile {
	f, err := safetensors.Open(filepath.Join(dir, "golden.safetensors"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return goldenFile{t, f}
}

func (g goldenFile) reals(name string) []float32 {
	x, ok := g.Tensor(name)
	require.True(g.t, ok, name)
	out := make([]float32, x.Elems())
	require.NoError(g.t, x.Float32(out))
	return out
}

func (g goldenFile) ints(name string) ([]int32, []int) {
	x, ok := g.Tensor(name)
	require.True(g.t, ok, name)
	out := make([]int32, x.Elems())
	for i := range out {
		out[i] = int32(int64(binary.LittleEndian.Uint64(x.Data[8*i:])))
	}
	return out, x.Shape
}

// batch is the golden batch as a Loader would give it.
func (g goldenFile) batch(task model.Task) *data.Batch {
	ids, shape := g.ints("input_ids")
	b := &data.Batch{B: shape[0], T: shape[1], Rows: shape[0], IDs: ids, TypeIDs: make([]int32, len(ids)),
		Targets: make([]float32, shape[0]), LastPos: make([]int32, shape[0])}
	b.Mask, _ = g.ints("attention_mask")
	if _, ok := g.Tensor("token_type_ids"); ok {
		b.TypeIDs, _ = g.ints("token_type_ids")
	}
	for r := range b.B {
		b.Lines, b.Classes = append(b.Lines, r+1), append(b.Classes, data.Ignore)
		for t := range b.T {
			if b.Mask[r*b.T+t] != 0 {
				b.Tokens++
				b.LastPos[r] = int32(t)
			}
		}
	}
	switch task {
	case model.Regress:
		b.Targets = g.reals("labels")
	case model.Classify:
		b.Classes, _ = g.ints("labels")
		b.LossTokens = b.B
	default:
		b.Labels, _ = g.ints("labels")
		if task == model.CausalLM {
			for i := range b.Labels {
				b.Labels[i] = data.Ignore
			}
			src, _ := g.ints("labels")
			for i := range src {
				if (i+1)%b.T != 0 {
					b.Labels[i] = src[i+1]
				}
			}
		}
		for _, v := range b.Labels {
			if v != data.Ignore {
				b.LossTokens++
			}
		}
	}
	return b
}

var goldens = []struct {
	dir    string
	task   model.Task
	labels int
}{
	{"llama_tied", model.CausalLM, 0}, {"llama_untied", model.CausalLM, 0}, {"llama_linear_rope", model.CausalLM, 0}, {"llama_bf16", model.CausalLM, 0},
	{"llama_seqcls", model.Classify, 3}, {"bert_seqcls", model.Classify, 3}, {"bert_mlm", model.MaskedLM, 0}, {"bert_regression", model.Regress, 1},
	{"bert_tokcls", model.TokenClassify, 5}, {"llama_tokcls", model.TokenClassify, 5}, {"llama_regression", model.Regress, 1},
}

// TestGoldenTraining takes ten AdamW steps and compares every loss and gradient norm with PyTorch's, on both devices.
func TestGoldenTraining(t *testing.T) {
	for _, c := range goldens {
		t.Run(c.dir+"/ref", func(t *testing.T) { goldenTraining(t, ref.New(), c.dir, c.task, c.labels, 1) })
	}
	dev := testdev.Open(t, webgpu.Options{})
	for _, c := range goldens {
		t.Run(c.dir+"/device", func(t *testing.T) { goldenTraining(t, dev, c.dir, c.task, c.labels, 1) })
	}
}

func goldenTraining(t *testing.T, dev backend.Device, name string, task model.Task, labels, accumulate int) {
	dir := modelDir(name)
	g := openGolden(t, dir)
	e := openEngine(t, dev, dir, task, labels, nil)
	opt := &optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.01}
	f := NewFirstOrder(e, opt, FirstOrderOptions{MaxGradNorm: 1, Accumulate: accumulate})
	whole := g.batch(task)
	micro := split(whole, accumulate)
	require.NoError(t, f.Prepare([]Shape{{micro[0].B, micro[0].T}}))
	ctx := context.Background()
	var rs []Result
	for s := 1; s <= 10; s++ {
		require.NoError(t, f.Step(ctx, s, 1e-3, micro))
		r, err := f.Results(ctx, false)
		require.NoError(t, err)
		rs = append(rs, r...)
	}
	r, err := f.Results(ctx, true)
	require.NoError(t, err)
	rs = append(rs, r...)
	losses, norms := g.reals("losses"), g.reals("grad_norms")
	require.Len(t, rs, 10)
	for i, r := range rs {
		require.Equal(t, i+1, r.Step)
		require.Empty(t, r.Bad)
		require.InEpsilon(t, losses[i], r.Loss, 1e-4, "loss of step %d", r.Step)
		require.InEpsilon(t, norms[i], r.GradNorm, 1e-4, "gradient norm of step %d", r.Step)
	}
}

// split cuts a batch into n of as many rows each; the last ones are padded.
func split(b *data.Batch, n int) []*data.Batch {
	if n == 1 {
		return []*data.Batch{b}
	}
	rows := (b.B + n - 1) / n
	var out []*data.Batch
	for i := range n {
		p := &data.Batch{B: rows, T: b.T}
		for r := i * rows; r < (i+1)*rows; r++ {
			if r >= b.B { // an empty row
				p.IDs, p.TypeIDs, p.Mask = append(p.IDs, make([]int32, b.T)...), append(p.TypeIDs, make([]int32, b.T)...), append(p.Mask, make([]int32, b.T)...)
				p.Classes, p.Targets, p.LastPos = append(p.Classes, data.Ignore), append(p.Targets, 0), append(p.LastPos, 0)
				for range b.T {
					if b.Labels != nil {
						p.Labels = append(p.Labels, data.Ignore)
					}
				}
				continue
			}
			from, to := r*b.T, (r+1)*b.T
			p.IDs, p.TypeIDs, p.Mask = append(p.IDs, b.IDs[from:to]...), append(p.TypeIDs, b.TypeIDs[from:to]...), append(p.Mask, b.Mask[from:to]...)
			p.Classes, p.Targets, p.LastPos = append(p.Classes, b.Classes[r]), append(p.Targets, b.Targets[r]), append(p.LastPos, b.LastPos[r])
			p.Rows++
			if b.Labels == nil {
				if b.Classes[r] != data.Ignore {
					p.LossTokens++
				}
				continue
			}
			for _, v := range b.Labels[from:to] {
				if p.Labels = append(p.Labels, v); v != data.Ignore {
					p.LossTokens++
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// TestAccumulationEqualsBigBatch reaches PyTorch's losses with the batch in two micro-batches of unequal label counts.
func TestAccumulationEqualsBigBatch(t *testing.T) {
	for _, c := range goldens {
		t.Run(c.dir, func(t *testing.T) { goldenTraining(t, ref.New(), c.dir, c.task, c.labels, 2) })
	}
	dev := testdev.Open(t, webgpu.Options{})
	t.Run("device", func(t *testing.T) { goldenTraining(t, dev, "llama_tied", model.CausalLM, 0, 2) })
}
