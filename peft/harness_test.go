package peft

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/graph"
	"luthier/internal/golden"
	"luthier/model"
)

// run is a model with a method on a golden batch.
type run struct {
	t             *testing.T
	cfg           *model.Config
	w             *model.Weights
	m             model.Adapter
	task          model.Task
	labels        int
	in            map[string][]byte
	b, n          int
	sites         []model.Site
	params, grads []*graph.Node
	out           model.Outputs
	p             *graph.Program
	store         *graph.Store
}

// newRun opens a base model and a batch.
func newRun(t *testing.T, base string, batch golden.File, m Method, task model.Task, labels int) *run {
	cfg, err := model.ReadConfig(base)
	require.NoError(t, err)
	w, err := model.OpenWeights(base, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	if m != nil {
		require.NoError(t, m.Setup(cfg, task))
	}
	r := &run{t: t, cfg: cfg, w: w, task: task, labels: labels}
	if m != nil {
		r.m = m
	}
	r.in, r.b, r.n = batch.Inputs(string(task), "")
	return r
}

// build compiles loss and gradients on dev.
func (r *run) build(dev backend.Device) *run {
	g := graph.New()
	b := model.NewBuilder(g, r.cfg, r.w, r.m, r.b, r.n)
	b.Tables = true
	var err error
	r.out, err = b.Loss(r.task, r.labels, 0)
	require.NoError(r.t, err)
	r.sites = b.Sites
	r.params = nil
	for _, l := range g.Leaves() {
		if l.Leaf().Kind == graph.Trainable {
			r.params = append(r.params, l)
		}
	}
	r.grads = g.Grad(r.out.Loss, r.params)
	g.Output(r.out.Loss)
	for _, d := range r.grads {
		if d != nil {
			g.Output(d)
		}
	}
	r.compile(dev, g)
	return r
}

func (r *run) compile(dev backend.Device, g *graph.Graph) {
	r.store = graph.NewStore(dev, r.w.Source)
	p, err := graph.Compile(g, r.store, graph.Options{})
	require.NoError(r.t, err)
	for name, raw := range r.in {
		require.NoError(r.t, p.Write(name, raw))
	}
	require.NoError(r.t, p.Run(context.Background()))
	r.p = p
}

func (r *run) read(n *graph.Node) []float32 {
	raw, err := r.p.Read(context.Background(), n)
	require.NoError(r.t, err)
	return f32s(raw)
}

func f32s(raw []byte) []float32 {
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// logits builds and runs the model once more for its logits: of every token, or of the classes.
func (r *run) logits(dev backend.Device) []float32 {
	g := graph.New()
	b := model.NewBuilder(g, r.cfg, r.w, r.m, r.b, r.n)
	var y *graph.Node
	if r.task == model.CausalLM || r.task == model.MaskedLM {
		var err error
		y, err = b.Logits(r.b * r.n)
		require.NoError(r.t, err)
	} else {
		out, err := b.Loss(r.task, r.labels, 0)
		require.NoError(r.t, err)
		y = out.Logits
	}
	g.Output(y)
	r.compile(dev, g)
	return r.read(y)
}

// give loads tensors into the run's weights.
func (r *run) give(ts []Tensor) *run {
	for _, t := range ts {
		r.w.Give(t.Name, t.Values, t.Shape...)
	}
	return r
}

// methodOf makes a method from flags.
func methodOf(t *testing.T, name string, flags ...string) Method {
	m, err := New(name)
	require.NoError(t, err)
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	m.Flags(f)
	require.NoError(t, f.Parse(flags))
	return m
}

// assets is the folder of shared test assets; the test is skipped without it, or fails where LUTHIER_ASSETS says it is elsewhere.
func assets(t *testing.T, path string) string {
	root := os.Getenv("LUTHIER_ASSETS")
	set := root != ""
	if !set {
		root = filepath.Join("..", "..", "shared", "assets")
	}
	p := filepath.Join(root, path)
	if _, err := os.Stat(p); err != nil {
		if set {
			t.Fatalf("LUTHIER_ASSETS: %v", err)
		}
		t.Skipf("no assets: %v", err)
	}
	return p
}

// torchName is the name of a trained tensor's gradient in a golden file.
func torchName(leaf string, file golden.File) string {
	name := "grad." + Key(leaf)
	for _, try := range []string{name, strings.Replace(strings.Replace(name, ".lora_A.", ".lora_A.default.", 1), ".lora_B.", ".lora_B.default.", 1),
		strings.Replace(name, "classifier.", "classifier.modules_to_save.", 1), strings.Replace(name, "classifier.", "classifier.modules_to_save.default.", 1)} {
		if _, ok := file.Tensor(try); ok {
			return try
		}
	}
	return name
}

func refDevice() *ref.Device { return ref.New() }

func bytesOf(v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
