package model

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/graph"
	"luthier/internal/golden"
)

// everything trains every weight.
type everything struct{ None }

func (everything) Trains(string) bool { return true }

type goldenCase struct {
	dir    string
	task   Task
	labels int
}

var goldens = []goldenCase{
	{"llama_tied", CausalLM, 0}, {"llama_untied", CausalLM, 0}, {"llama_linear_rope", CausalLM, 0}, {"llama_bf16", CausalLM, 0},
	{"llama_seqcls", Classify, 3}, {"bert_seqcls", Classify, 3}, {"bert_mlm", MaskedLM, 0}, {"bert_regression", Regress, 1},
	{"bert_tokcls", TokenClassify, 5}, {"llama_tokcls", TokenClassify, 5}, {"llama_regression", Regress, 1},
}

// TestGolden compares logits, loss and the gradient of every tensor with PyTorch's, on the float64 device.
func TestGolden(t *testing.T) {
	for _, c := range goldens {
		t.Run(c.dir, func(t *testing.T) { c.check(t, ref.New(), "", 1e-5) })
	}
	t.Run("llama_tied padded on the left", func(t *testing.T) { goldens[0].check(t, ref.New(), "left.", 1e-5) })
}

// TestGoldenStories is the same on a real model: karpathy's tinyllamas 260K from the assets.
func TestGoldenStories(t *testing.T) {
	root := os.Getenv("LUTHIER_ASSETS")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "assets")
	}
	dir := filepath.Join(root, "models", "stories260K")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("LUTHIER_ASSETS") != "" {
			t.Fatal(err)
		}
		t.Skipf("no assets: %v", err)
	}
	goldenCase{"stories260K", CausalLM, 0}.checkModel(t, dir, ref.New(), "", 1e-4)
}

func (c goldenCase) check(t *testing.T, dev backend.Device, prefix string, tol float64) {
	c.checkModel(t, filepath.Join("testdata", c.dir), dev, prefix, tol)
}

// checkModel compares the model in dir with the golden file of the case.
func (c goldenCase) checkModel(t *testing.T, dir string, dev backend.Device, prefix string, tol float64) {
	gold := golden.Open(t, filepath.Join("testdata", c.dir))
	cfg, err := ReadConfig(dir)
	require.NoError(t, err)
	in, b, n := gold.Inputs(string(c.task), prefix)
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
	golden.Near(t, "loss", gold.Floats(prefix+"loss"), read(t, p, out.Loss), tol)
	for i, d := range grads {
		name := "grad." + params[i].Leaf().Name
		if _, ok := gold.Tensor(prefix + name); !ok {
			if _, ok := gold.Tensor("gradnorm." + params[i].Leaf().Name); ok { // large tensors: their norm only
				golden.Near(t, name, gold.Floats("gradnorm."+params[i].Leaf().Name), []float32{norm2(read(t, p, d))}, tol)
				continue
			}
			require.NotEmpty(t, prefix, "no golden %s", name)
			continue
		}
		if strings.HasSuffix(name, "key.bias") { // zero in exact arithmetic: the softmax does not see it
			for _, v := range read(t, p, d) {
				require.InDelta(t, 0, v, 1e-6, name)
			}
			continue
		}
		golden.Near(t, name, gold.Floats(prefix+name), read(t, p, d), tol)
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
	want, have := gold.Floats(prefix+"logits"), read(t, p, logits)
	if prefix != "" { // rows of padding have no meaning
		mask, _ := gold.Ints(prefix + "attention_mask")
		v := len(want) / len(mask)
		for i, m := range mask {
			for j := range v {
				want[i*v+j] *= float32(m)
				have[i*v+j] *= float32(m)
			}
		}
	}
	golden.Near(t, "logits", want, have, tol)
	store.Close()
}

func norm2(x []float32) float32 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return float32(math.Sqrt(s))
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
