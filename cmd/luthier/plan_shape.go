package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/data"
	"luthier/graph"
	"luthier/model"
	"luthier/optim"
	"luthier/peft"
	"luthier/train"
	"luthier/zeroth"
)

// shapes are models by their published sizes, as config.json has them.
var shapes = map[string]string{
	"llama-1b":  llamaShape(2048, 16, 32, 8, 8192, 128256, true),   // Llama 3.2 1B
	"llama-3b":  llamaShape(3072, 28, 24, 8, 8192, 128256, true),   // Llama 3.2 3B
	"llama-7b":  llamaShape(4096, 32, 32, 32, 11008, 32000, false), // Llama 2 7B
	"llama-8b":  llamaShape(4096, 32, 32, 8, 14336, 128256, false), // Llama 3.1 8B
	"llama-13b": llamaShape(5120, 40, 40, 40, 13824, 32000, false), // Llama 2 13B
}

func llamaShape(hidden, layers, heads, kv, inner, vocab int, tied bool) string {
	return fmt.Sprintf(`{"model_type": "llama", "hidden_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
		"intermediate_size": %d, "vocab_size": %d, "max_position_embeddings": 131072, "hidden_act": "silu", "tie_word_embeddings": %v}`,
		hidden, layers, heads, kv, inner, vocab, tied)
}

// shapeNames lists them in order of size.
func shapeNames() []string {
	return slices.SortedFunc(maps.Keys(shapes), func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}

// shapeConfig is the config of a built-in shape, of a config.json, or of a directory with one.
func shapeConfig(name string) (*model.Config, error) {
	if raw, ok := shapes[name]; ok {
		return model.ParseConfig([]byte(raw), name)
	}
	if filepath.Base(name) == "config.json" {
		name = filepath.Dir(name)
	}
	c, err := model.ReadConfig(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("--shape %s: want one of %s, or a directory with a config.json", name, strings.Join(shapeNames(), ", "))
	case err != nil:
		return nil, badData(err)
	}
	return c, nil
}

// gpuOf4GiB stands for a GPU where none is asked for: the reference's limits with the bindings that desktop GPUs have.
type gpuOf4GiB struct{ backend.Device }

func (g gpuOf4GiB) Info() backend.Info {
	return backend.Info{Name: "a GPU with bindings of 4 GiB", Backend: "plan only", Class: backend.OtherGPU}
}

func (g gpuOf4GiB) Limits() backend.Limits {
	l := g.Device.Limits()
	l.MaxBinding, l.MaxBuffer = 4<<30, 4<<30
	return l
}

// shapeLine is the memory of one way to use or train a model.
type shapeLine struct {
	What  string           `json:"what"`
	Bytes map[string]int64 `json:"bytes"` // by the storage type of the weights

}

// storages of a model that is not there.
var storages = []backend.DType{backend.BF16, backend.F32}

// planShape prints what a model of shapes alone takes, by way of training.
func (a *app) planShape(s *trainSettings) error {
	switch {
	case s.model != "" || s.data != "":
		return usage("--shape: leave out --model and --data, it plans a model that is not here")
	case s.batchSize < 1 || s.batchSize > most || s.maxLength < 0 || s.maxLength > 1<<17:
		return usage("--batch-size %d, --max-length %d: want 1 to %d sequences of up to %d tokens", s.batchSize, s.maxLength, most, 1<<17)
	}
	if _, err := shapeConfig(s.shape); err != nil {
		return err
	}
	var dev backend.Device = gpuOf4GiB{ref.New()}
	if s.flags.Changed("device") {
		d, _, err := a.openDevice()
		if err != nil {
			return err
		}
		dev = d
	}
	defer dev.Close()
	length := s.maxLength
	if length == 0 {
		length = 512
	}
	shape := train.Shape{B: s.batchSize, T: data.Bucket(length)}
	lines, parameters, err := a.shapeLines(dev, s.shape, shape)
	if err != nil {
		return err
	}
	if a.json {
		a.emit(map[string]any{"adapter": adapterJSON(dev.Info()), "model": s.shape, "parameters": parameters, "batch_size": shape.B,
			"length": shape.T, "memory": lines})
		return nil
	}
	a.say("adapter:  %s", describe(dev.Info()))
	a.say("model:    %s, %s parameters, no weights", s.shape, thousands(parameters))
	a.say("shape:    %d x %d tokens\n", shape.B, shape.T)
	cells := [][]string{{"", "bf16 weights", "inferences", "f32 weights", "inferences"}}
	for _, l := range lines {
		row := []string{l.What}
		for _, t := range storages {
			row = append(row, bytesText(l.Bytes[t.String()]), fmt.Sprintf("%.2f", float64(l.Bytes[t.String()])/float64(lines[0].Bytes[t.String()])))
		}
		cells = append(cells, row)
	}
	a.table(cells)
	a.say("what gradients train is f32, with two moments; without gradients it keeps the type of the weights")
	return nil
}

// shapeLines plans every line for both storage types.
func (a *app) shapeLines(dev backend.Device, name string, shape train.Shape) ([]*shapeLine, int64, error) {
	adapter := a.choice.method.Name()
	if adapter == "full" {
		adapter = "lora"
	}
	lines := []*shapeLine{{What: "inference"}, {What: "mezo full"}, {What: "mezo " + adapter}, {What: "adamw " + adapter}, {What: "adamw full"}}
	var parameters int64
	for _, l := range lines {
		l.Bytes = map[string]int64{}
		for _, storage := range storages {
			p := &shapePlan{dev: dev, name: name, storage: storage, shape: shape}
			method, what := p.parse(l.What)
			plan, err := p.plan(a, method, what)
			if err != nil {
				return nil, 0, fmt.Errorf("%s, %s: %w", l.What, storage, err)
			}
			l.Bytes[storage.String()] = plan.Total()
			parameters = max(parameters, p.parameters)
		}
	}
	return lines, parameters, nil
}

// shapePlan is one cell of the table.
type shapePlan struct {
	dev        backend.Device
	name       string
	storage    backend.DType
	shape      train.Shape
	parameters int64
}

// parse splits a line's name in what trains and what is trained.
func (p *shapePlan) parse(line string) (method, what string) {
	what, method, _ = strings.Cut(line, " ")
	return method, what
}

func (p *shapePlan) plan(a *app, method, what string) (*graph.Plan, error) {
	c, err := shapeConfig(p.name)
	if err != nil {
		return nil, err
	}
	w := model.Virtual(c, p.storage)
	w.KeepType, w.Positions = what != "adamw", max(1, min(c.MaxPositions, p.shape.T))
	task, labels := model.CausalLM, 0
	if spec, _ := model.SpecOf(c.ModelType); !spec.Decoder {
		task, labels = model.Classify, 2
	}
	var m model.Adapter = model.None{}
	if method != "" {
		if m, err = a.shapeMethod(method, c, task); err != nil {
			return nil, err
		}
	}
	e := train.NewEngine(p.dev, c, w, m, task, labels)
	defer e.Close()
	switch what {
	case "mezo":
		o, err := zeroth.Defaults("mezo")
		if err != nil {
			return nil, err
		}
		o.Pairs = "apart"
		z, err := zeroth.New(e, o)
		if err != nil {
			return nil, err
		}
		return planOf(z.Draft(p.shape))
	case "adamw":
		o, err := optim.New("adamw")
		if err != nil {
			return nil, err
		}
		return planOf(train.NewFirstOrder(e, o, train.FirstOrderOptions{MaxGradNorm: 1}).Draft(p.shape))
	}
	e.Forward = true
	g := graph.New()
	if _, err := model.NewBuilder(g, c, w, model.None{}, 1, 4).Loss(task, labels, 0); err != nil {
		return nil, err
	}
	for _, n := range g.Leaves() {
		if n.Leaf().Kind == graph.Frozen && n.Leaf().Name != "rotary_table" {
			p.parameters += int64(n.Shape.Elems())
		}
	}
	return e.EvalPlan(p.shape)
}

func planOf(d *graph.Draft, err error) (*graph.Plan, error) {
	if err != nil {
		return nil, err
	}
	return d.Plan, nil
}

// shapeMethod is the chosen method, with its flags, or a fresh one of that name.
func (a *app) shapeMethod(name string, c *model.Config, task model.Task) (peft.Method, error) {
	m := a.choice.method
	if m.Name() != name {
		var err error
		if m, err = peft.New(name); err != nil {
			return nil, err
		}
	}
	if err := m.Setup(c, task); err != nil {
		return nil, usage("--method %s: %v", name, err)
	}
	return m, nil
}
