package model

import (
	"context"
	"encoding/binary"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/graph"
	"luthier/model/safetensors"
)

// everything trains every weight.
type everything struct{ None }

func (everything) Trains(string) bool { return true }

// golden is a directory of model/testdata with its values by PyTorch.
type golden struct {
	t    *testing.T
	dir  string
	file *safetensors.File
}

func openGolden(t *testing.T, dir string) golden {
	f, err := safetensors.Open(filepath.Join(dir, "golden.safetensors"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return golden{t, dir, f}
}

func (g golden) floats(name string) []float32 {
	x, ok := g.file.Tensor(name)
	require.True(g.t, ok, "golden %s", name)
	out := make([]float32, graph.Shape(x.Shape).Elems())
	require.NoError(g.t, x.Float32(out))
	return out
}

func (g golden) ints(name string) ([]int64, []int) {
	x, ok := g.file.Tensor(name)
	require.True(g.t, ok, "golden %s", name)
	out := make([]int64, graph.Shape(x.Shape).Elems())
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(x.Data[8*i:]))
	}
	return out, x.Shape
}

func words(v []int64) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func reals(v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// inputs makes the input leaves of the golden batch.
func (g golden) inputs(task Task, prefix string) (map[string][]byte, int, int) {
	ids, shape := g.ints(prefix + "input_ids")
	mask, _ := g.ints(prefix + "attention_mask")
	b, n := shape[0], shape[1]
	in := map[string][]byte{"input_ids": words(ids), "attention_mask": words(mask), "seed": make([]byte, 16)}
	pos, last, first, pick := make([]int64, b*n), make([]int64, b), make([]int64, b), make([]int64, b*n)
	for i := range pos {
		pos[i], pick[i] = int64(i%n), int64(i)
		if mask[i] != 0 {
			last[i/n] = int64(i)
		}
	}
	for i := range first {
		first[i] = int64(i * n)
	}
	if prefix == "left." {
		pos, _ = g.ints(prefix + "position_ids")
	}
	in["position_ids"], in["last_token"], in["first_token"], in["pick"] = words(pos), words(last), words(first), words(pick)
	if _, ok := g.file.Tensor("token_type_ids"); ok {
		types, _ := g.ints("token_type_ids")
		in["token_type_ids"] = words(types)
	}
	for _, name := range []string{"input_ids", "position_ids", "token_type_ids"} {
		if raw := in[name]; raw != nil {
			x := make([]int32, b*n)
			for i := range x {
				x[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
			}
			var seg []int64
			for _, w := range graph.Segments(x) {
				seg = append(seg, int64(w))
			}
			in[name+".segments"] = words(seg)
		}
	}
	g.targets(task, prefix, in, n)
	return in, b, n
}

func (g golden) targets(task Task, prefix string, in map[string][]byte, n int) {
	if task == Regress {
		y := g.floats("labels")
		in["targets"], in["target_weights"] = reals(y...), reals(1, 1, 1, 1, 1, 1, 1, 1)[:4*len(y)]
		in["loss_scale"] = reals(1 / float32(len(y)))
		return
	}
	labels, _ := g.ints(prefix + "labels")
	count := 0
	out := make([]int64, len(labels))
	for i := range labels {
		out[i] = labels[i]
		if task == CausalLM {
			out[i] = -100
			if i%n+1 < n {
				out[i] = labels[i+1]
			}
		}
		if out[i] >= 0 {
			count++
		}
	}
	in["labels"], in["loss_scale"] = words(out), reals(1/float32(count))
}

type goldenCase struct {
	dir    string
	task   Task
	labels int
}

var goldens = []goldenCase{
	{"llama_tied", CausalLM, 0}, {"llama_untied", CausalLM, 0}, {"llama_linear_rope", CausalLM, 0}, {"llama_bf16", CausalLM, 0},
	{"llama_seqcls", Classify, 3}, {"bert_seqcls", Classify, 3}, {"bert_mlm", MaskedLM, 0}, {"bert_regression", Regress, 1},
}

// TestGolden compares logits, loss and the gradient of every tensor with PyTorch's, on the float64 device.
func TestGolden(t *testing.T) {
	for _, c := range goldens {
		t.Run(c.dir, func(t *testing.T) { c.check(t, ref.New(), "", 1e-5) })
	}
	t.Run("llama_tied padded on the left", func(t *testing.T) { goldens[0].check(t, ref.New(), "left.", 1e-5) })
}

func (c goldenCase) check(t *testing.T, dev backend.Device, prefix string, tol float64) {
	dir := filepath.Join("testdata", c.dir)
	gold := openGolden(t, dir)
	cfg, err := ReadConfig(dir)
	require.NoError(t, err)
	in, b, n := gold.inputs(c.task, prefix)
	w, err := OpenWeights(dir, cfg)
	require.NoError(t, err)
	defer w.Close()
	g := graph.New()
	bld := NewBuilder(g, cfg, w, everything{}, b, n)
	bld.Tables = true
	out, err := bld.Loss(c.task, c.labels, 0)
	require.NoError(t, err)
	require.Empty(t, w.Started())
	params := trainable(g)
	grads := g.Grad(out.Loss, params)
	g.Output(out.Loss)
	g.Output(grads...)
	if out.Logits != nil {
		g.Output(out.Logits)
	}
	p, store := compile(t, g, dev, w, in)
	require.NoError(t, p.Run(context.Background()))
	near(t, "loss", gold.floats(prefix+"loss"), read(t, p, out.Loss), tol)
	for i, d := range grads {
		name := "grad." + params[i].Leaf().Name
		if _, ok := gold.file.Tensor(prefix + name); !ok && prefix != "" {
			continue
		}
		if strings.HasSuffix(name, "key.bias") { // zero in exact arithmetic: the softmax does not see it
			for _, v := range read(t, p, d) {
				require.InDelta(t, 0, v, 1e-6, name)
			}
			continue
		}
		near(t, name, gold.floats(prefix+name), read(t, p, d), tol)
	}
	logits := out.Logits
	if logits == nil {
		g = graph.New()
		bld = NewBuilder(g, cfg, w, None{}, b, n)
		logits, err = bld.Logits(b * n)
		require.NoError(t, err)
		g.Output(logits)
		store.Close()
		p, store = compile(t, g, dev, w, in)
		require.NoError(t, p.Run(context.Background()))
	}
	want, have := gold.floats(prefix+"logits"), read(t, p, logits)
	if prefix != "" { // rows of padding have no meaning
		mask, _ := gold.ints(prefix + "attention_mask")
		v := len(want) / len(mask)
		for i, m := range mask {
			for j := range v {
				want[i*v+j] *= float32(m)
				have[i*v+j] *= float32(m)
			}
		}
	}
	near(t, "logits", want, have, tol)
	store.Close()
}

func trainable(g *graph.Graph) []*graph.Node {
	var out []*graph.Node
	for _, n := range g.Leaves() {
		if n.Leaf().Kind == graph.Trainable {
			out = append(out, n)
		}
	}
	return out
}

func compile(t *testing.T, g *graph.Graph, dev backend.Device, w *Weights, in map[string][]byte) (*graph.Program, *graph.Store) {
	store := graph.NewStore(dev, w.Source)
	p, err := graph.Compile(g, store, graph.Options{})
	require.NoError(t, err)
	for name, raw := range in {
		require.NoError(t, p.Write(name, raw), name)
	}
	return p, store
}

func read(t *testing.T, p *graph.Program, n *graph.Node) []float32 {
	raw, err := p.Read(context.Background(), n)
	require.NoError(t, err)
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// near compares relative to the largest magnitude.
func near(t *testing.T, what string, want, have []float32, tol float64) {
	t.Helper()
	require.Len(t, have, len(want), what)
	scale, diff := 1e-12, 0.0
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i])))
		diff = max(diff, math.Abs(float64(want[i]-have[i])))
		require.False(t, math.IsNaN(float64(have[i])), "%s[%d] is NaN", what, i)
	}
	require.LessOrEqual(t, diff/scale, tol, what)
}
