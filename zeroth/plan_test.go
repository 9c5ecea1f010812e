package zeroth_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/graph"
	"luthier/model"
	"luthier/peft"
	"luthier/train"
	"luthier/zeroth"
)

// planner is a device to plan for: of a class, with bindings of that size.
type planner struct {
	backend.Device
	class   backend.Class
	binding int64
}

func (p planner) Info() backend.Info { return backend.Info{Class: p.class} }

func (p planner) Limits() backend.Limits {
	l := p.Device.Limits()
	l.MaxBinding, l.MaxBuffer = p.binding, p.binding
	return l
}

// planned is a model to plan: on disk, or of shapes only.
type planned struct {
	name    string
	dir     string
	config  string
	storage backend.DType
	task    model.Task
	labels  int
	shape   train.Shape
}

func (p planned) open(t *testing.T) (*model.Config, *model.Weights) {
	if p.dir != "" {
		c, err := model.ReadConfig(p.dir)
		require.NoError(t, err)
		w, err := model.OpenWeights(p.dir, c)
		require.NoError(t, err)
		t.Cleanup(func() { w.Close() })
		return c, w
	}
	c, err := model.ParseConfig([]byte(p.config), p.name)
	require.NoError(t, err)
	return c, model.Virtual(c, p.storage)
}

const (
	minilm = `{"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
		"vocab_size": 30522, "max_position_embeddings": 512, "hidden_act": "gelu"}`
	smollm2 = `{"model_type": "llama", "hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
		"intermediate_size": 1536, "vocab_size": 49152, "max_position_embeddings": 8192, "hidden_act": "silu", "tie_word_embeddings": true}`
	llama1b = `{"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
		"intermediate_size": 8192, "vocab_size": 128256, "max_position_embeddings": 131072, "hidden_act": "silu", "tie_word_embeddings": true}`
)

func plannedModels() []planned {
	golden := func(name string) string { return filepath.Join("..", "model", "testdata", name) }
	s := train.Shape{B: 16, T: 32}
	return []planned{
		{name: "bert_seqcls", dir: golden("bert_seqcls"), task: model.Classify, labels: 3, shape: s},
		{name: "bert_mlm", dir: golden("bert_mlm"), task: model.MaskedLM, shape: s},
		{name: "llama_tied", dir: golden("llama_tied"), task: model.CausalLM, shape: s},
		{name: "llama_untied", dir: golden("llama_untied"), task: model.CausalLM, shape: s},
		{name: "llama_bf16", dir: golden("llama_bf16"), task: model.CausalLM, shape: s},
		{name: "nano", dir: filepath.Join("..", "internal", "nano", "model"), task: model.CausalLM, shape: s},
		{name: "nano, one short sequence", dir: filepath.Join("..", "internal", "nano", "model"), task: model.CausalLM, shape: train.Shape{B: 1, T: 8}},
		{name: "minilm, one short sequence", config: minilm, storage: backend.F32, task: model.Classify, labels: 2, shape: train.Shape{B: 1, T: 8}},
		{name: "minilm", config: minilm, storage: backend.F32, task: model.Classify, labels: 2, shape: s},
		{name: "smollm2 f32", config: smollm2, storage: backend.F32, task: model.CausalLM, shape: train.Shape{B: 4, T: 128}},
		{name: "smollm2 bf16", config: smollm2, storage: backend.BF16, task: model.CausalLM, shape: train.Shape{B: 4, T: 128}},
		{name: "llama1b bf16", config: llama1b, storage: backend.BF16, task: model.CausalLM, shape: train.Shape{B: 1, T: 64}},
		{name: "llama1b f32", config: llama1b, storage: backend.F32, task: model.CausalLM, shape: train.Shape{B: 1, T: 64}},
	}
}

// Training without gradients takes the memory of inference: at most 5 % more than the evaluation of the same batch, update included, and no
// tensor beside the weights that evaluation has. Noise of a byte an element may take 10 %, in the smallest model with a single sequence.
func TestPlanIsInference(t *testing.T) {
	for _, m := range plannedModels() {
		for _, class := range []backend.Class{backend.Software, backend.NVIDIA} {
			for _, method := range []string{"full", "lora"} {
				for _, noise := range []zeroth.Noise{zeroth.Rademacher, zeroth.Gaussian} {
					name := fmt.Sprintf("%s, %s, %s, %s", m.name, class, method, noise)
					t.Run(name, func(t *testing.T) { planIsInference(t, m, class, method, noise) })
				}
			}
		}
	}
}

func planIsInference(t *testing.T, m planned, class backend.Class, method string, noise zeroth.Noise) {
	c, w := m.open(t)
	w.KeepType, w.Positions = true, m.shape.T
	adapter, err := peft.New(method)
	require.NoError(t, err)
	require.NoError(t, adapter.Setup(c, m.task))
	e := train.NewEngine(planner{ref.New(), class, 2 << 30}, c, w, adapter, m.task, m.labels)
	e.Forward = true
	eval, err := e.EvalPlan(m.shape)
	require.NoError(t, err)
	o, err := zeroth.Defaults("mezo")
	require.NoError(t, err)
	o.Pairs, o.Noise = "apart", noise
	s, err := zeroth.New(e, o)
	require.NoError(t, err)
	d, err := s.Draft(m.shape)
	require.NoError(t, err)
	ratio := float64(d.Plan.Total()) / float64(eval.Total())
	t.Logf("%d bytes, evaluation %d: %.4f", d.Plan.Total(), eval.Total(), ratio)
	require.LessOrEqual(t, ratio, map[zeroth.Noise]float64{zeroth.Rademacher: 1.05, zeroth.Gaussian: 1.1}[noise])
	for _, k := range []graph.Category{graph.Weights, graph.Params, graph.States} {
		require.Equal(t, eval.Persistent[k], d.Plan.Persistent[k], "%v", k)
	}
	require.Zero(t, d.Plan.Persistent[graph.States])
	require.Zero(t, d.Plan.Transient[graph.Gradients])
}

// What evaluation itself holds is the weights once, whatever form the adapter wants them in, and one batch.
func TestPlanOfInferenceHoldsWeightsOnce(t *testing.T) {
	for _, m := range plannedModels() {
		for _, class := range []backend.Class{backend.Software, backend.NVIDIA} {
			t.Run(fmt.Sprintf("%s, %s", m.name, class), func(t *testing.T) {
				c, w := m.open(t)
				w.KeepType, w.Positions = true, m.shape.T
				e := train.NewEngine(planner{ref.New(), class, 2 << 30}, c, w, model.None{}, m.task, m.labels)
				e.Forward = true
				plan, err := e.EvalPlan(m.shape)
				require.NoError(t, err)
				held := map[string]bool{}
				for _, i := range plan.Items {
					name, _, _ := strings.Cut(strings.TrimSuffix(strings.Fields(i.Name)[0], "^T"), " ")
					if i.Kind == graph.Weights {
						require.False(t, held[name], "%s is there twice", name)
						held[name] = true
					}
				}
				require.NotEmpty(t, held)
			})
		}
	}
}
