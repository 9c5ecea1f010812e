package peft

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/graph"
	"luthier/internal/golden"
	"luthier/model"
	"luthier/model/safetensors"
)

// prop is a method in the table of properties (methods are held to all of them; exceptions stand in the row).
type prop struct {
	method   string
	flags    []string
	identity bool // starts as the base model
	count    func(sites []model.Site) int
}

var props = []prop{
	{"lora", []string{"--lora-r", "4"}, true, loraCount(4, false)},
	{"lora", []string{"--lora-r", "3", "--target-modules", "all-linear", "--use-rslora"}, true, loraCount(3, true)},
	{"lora", []string{"--lora-r", "4", "--target-modules", "embed_tokens,word_embeddings"}, true, nil},
	{"lora", []string{"--lora-r", "4", "--lora-bias", "all", "--lora-alpha", "32"}, true, nil},
	{"lora", []string{"--target-modules", "all-linear", "--exclude-modules", "re:.*(k_proj|key)", "--rank-pattern", "v_proj=2", "--lora-bias", "lora_only"},
		true, nil},
	{"lora", []string{"--lora-r", "4", "--layers-to-transform", "1", "--modules-to-save", "embed_tokens,word_embeddings,norm"}, true, nil},
	{"lora", []string{"--lora-r", "4", "--ensure-weight-tying", "--modules-to-save", "embed_tokens"}, true, nil},
	{"lora", []string{"--lora-r", "4", "--modules-to-save", "lm_head"}, true, nil},
	{"full", nil, true, nil},
}

// loraCount is r (in + out) for each target of the default set, or of every linear layer.
func loraCount(r int, all bool) func([]model.Site) int {
	return func(sites []model.Site) int {
		n := 0
		for _, s := range sites {
			head := endsIn(s.Path, []string{"classifier", "score"})
			if s.Kind == model.Linear && (all && !head || endsIn(s.Path, []string{"q_proj", "v_proj", "query", "value"})) {
				n += r * (s.In + s.Out)
			}
		}
		return n
	}
}

var propModels = []struct {
	dir    string
	task   model.Task
	labels int
}{{"llama_tied", model.CausalLM, 0}, {"llama_bf16", model.CausalLM, 0}, {"bert_seqcls", model.Classify, 3}}

func TestProp(t *testing.T) {
	for _, c := range props {
		for _, mo := range propModels {
			dir := filepath.Join("..", "model", "testdata", mo.dir)
			gold := golden.Open(t, dir)
			name := c.method + " " + mo.dir
			if len(c.flags) > 1 {
				name += " " + c.flags[len(c.flags)-1]
			}
			start := func(t *testing.T) *run {
				return newRun(t, dir, gold, methodOf(t, c.method, c.flags...), mo.task, mo.labels)
			}
			base := newRun(t, dir, gold, nil, mo.task, mo.labels)
			t.Run(name, func(t *testing.T) {
				t.Run("IdentityAtInit", func(t *testing.T) {
					require.Equal(t, base.logits(refDevice()), start(t).logits(refDevice()))
				})
				t.Run("ParamCount", func(t *testing.T) { propCount(t, c, start(t)) })
				t.Run("FrozenBytes", func(t *testing.T) { propFrozen(t, start(t)) })
				t.Run("MergeEqualsApply", func(t *testing.T) { propMerge(t, start(t), mo.dir) })
				t.Run("RoundTrip", func(t *testing.T) { propRoundTrip(t, start(t), dir) })
			})
		}
	}
}

// random gives every trained tensor other values than it starts with.
func random(t *testing.T, r *run) []Tensor {
	var ts []Tensor
	seed := uint32(1)
	for _, p := range r.params {
		x, err := r.w.Values(p.Leaf().Name, p.Shape.Elems())
		require.NoError(t, err)
		x = append([]float32(nil), x...)
		for i := range x {
			seed = seed*1664525 + 1013904223
			x[i] += (float32(seed>>8)/(1<<24) - 0.5) * 0.2
		}
		ts = append(ts, Tensor{Name: p.Leaf().Name, Shape: p.Shape, Values: x})
	}
	return ts
}

func propCount(t *testing.T, c prop, r *run) {
	r.build(refDevice())
	require.NotEmpty(t, r.m.(Method).Matched())
	if c.count == nil {
		return
	}
	n := 0
	for _, p := range r.params {
		if Key(p.Leaf().Name) == p.Leaf().Name {
			n += p.Shape.Elems()
		}
	}
	require.Equal(t, c.count(r.sites), n)
}

// propFrozen takes two AdamW steps: trained tensors move, frozen ones keep their bytes.
func propFrozen(t *testing.T, r *run) {
	g := graph.New()
	b := model.NewBuilder(g, r.cfg, r.w, r.m, r.b, r.n)
	b.Tables = true
	out, err := b.Loss(r.task, r.labels, 0)
	require.NoError(t, err)
	var params []*graph.Node
	for _, l := range g.Leaves() {
		if l.Leaf().Kind == graph.Trainable {
			params = append(params, l)
		}
	}
	grads := g.Grad(out.Loss, params)
	hyper, clip := g.InputOf("hyper", 0, graph.HyperSize), g.InputOf("clip", 0, 2)
	var used []*graph.Node
	for i, p := range params {
		if grads[i] != nil {
			used = append(used, p)
			graph.AdamW(p, g.StateOf("m."+p.Leaf().Name, p.Shape...), g.StateOf("v."+p.Leaf().Name, p.Shape...), grads[i], hyper, clip,
				graph.AdamWOptions{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, LRScale: 1})
		}
	}
	r.in["hyper"], r.in["clip"] = bytesOf(1e-2, 1, 1, 0, 0, 0, 0, 0), bytesOf(1, 1)
	r.compile(refDevice(), g)
	before := map[string][]byte{}
	ctx := context.Background()
	names := append(r.store.Names(graph.Frozen), r.store.Names(graph.Trainable)...)
	for _, n := range names {
		before[n], err = r.store.Read(ctx, n)
		require.NoError(t, err)
	}
	require.NoError(t, r.p.Run(ctx))
	require.NoError(t, r.p.Run(ctx))
	for _, n := range r.store.Names(graph.Frozen) {
		after, err := r.store.Read(ctx, n)
		require.NoError(t, err)
		require.Equal(t, before[n], after, "frozen %s moved", n)
	}
	for _, p := range used {
		if strings.HasSuffix(p.Leaf().Name, "key.bias") {
			continue // its gradient is zero: the softmax does not see it
		}
		after, err := r.store.Read(ctx, p.Leaf().Name)
		require.NoError(t, err)
		require.NotEqual(t, before[p.Leaf().Name], after, "trained %s did not move", p.Leaf().Name)
	}
}

func propMerge(t *testing.T, r *run, model0 string) {
	r.build(refDevice())
	ts := random(t, r)
	r.give(ts)
	want := r.logits(refDevice())
	tensors, untied, err := Merge(r.m.(Method), r.w, r.sites, ts, safetensors.F32)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, safetensors.WriteModel(dir, tensors, 0))
	require.NoError(t, model.WriteConfig(r.cfg, dir, r.task, r.cfg.Labels(), untied, model.MainType(tensors)))
	gold := golden.Open(t, filepath.Join("..", "model", "testdata", model0))
	merged := newRun(t, dir, gold, nil, r.task, r.labels)
	golden.Near(t, "merged logits", want, merged.logits(refDevice()), 1e-5)
}

func propRoundTrip(t *testing.T, r *run, base string) {
	m := r.m.(Method)
	if m.Config() == nil {
		t.Skip("the method saves whole models")
	}
	r.build(refDevice())
	ts := random(t, r)
	r.give(ts)
	want := r.logits(refDevice())
	dir := t.TempDir()
	require.NoError(t, Save(dir, m, "base", ts))
	loaded, back, err := Load(dir)
	require.NoError(t, err)
	again := newRun(t, base, golden.Open(t, base), loaded, r.task, r.labels).give(back)
	require.Equal(t, want, again.logits(refDevice()))
	dir2 := t.TempDir()
	require.NoError(t, Save(dir2, loaded, "base", back))
	for _, f := range []string{ConfigFile, WeightsFile} {
		a, err := os.ReadFile(filepath.Join(dir, f))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(dir2, f))
		require.NoError(t, err)
		require.Equal(t, string(a), string(b), f)
	}
}

// A pattern that does not compile is refused before anything is built, not passed over.
func TestPatternsMustCompile(t *testing.T) {
	cfg, err := model.ReadConfig(filepath.Join("..", "model", "testdata", "llama_tied"))
	require.NoError(t, err)
	m := methodOf(t, "lora", "--rank-pattern", ".*=4,q_proj(=8")
	require.ErrorContains(t, m.Setup(cfg, model.CausalLM), "q_proj(")
}
