package peft

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/pflag"

	"luthier/graph"
	"luthier/model"
)

// LoRAConfig is PEFT's LoraConfig, the keys that are long stable; names are those of adapter_config.json.
type LoRAConfig struct {
	PEFTType      string             `json:"peft_type"`
	TaskType      string             `json:"task_type,omitempty"`
	Base          string             `json:"base_model_name_or_path"`
	Revision      *string            `json:"revision"`
	InferenceMode bool               `json:"inference_mode"`
	R             int                `json:"r"`
	Alpha         float64            `json:"lora_alpha"`
	Dropout       float64            `json:"lora_dropout"`
	Targets       Targets            `json:"target_modules"`
	Bias          string             `json:"bias"`
	FanInFanOut   bool               `json:"fan_in_fan_out"`
	Init          any                `json:"init_lora_weights"`
	RSLoRA        bool               `json:"use_rslora"`
	DoRA          bool               `json:"use_dora"`
	RankPattern   map[string]int     `json:"rank_pattern"`
	AlphaPattern  map[string]float64 `json:"alpha_pattern"`
	Save          []string           `json:"modules_to_save"`
	Layers        any                `json:"layers_to_transform"`
	LayersPattern any                `json:"layers_pattern"`
}

// LoRA adds s B A x to the output of linear layers, and s B A[ids] to embeddings, with A, B of low rank (Hu et al. 2021, 2106.09685,
// section 4.1). s is alpha / r, or alpha / sqrt(r) with rsLoRA (Kalajdzievski 2023, 2312.03732). A starts uniform in
// +-1/sqrt(in) and B zero, so that training starts from the base model; embeddings the other way round.
type LoRA struct {
	LoRAConfig
	targets, save string // flags
	matched       names
	heads         []string
	layers        []int
}

var _ = register(Spec{Name: "lora", Paper: "Hu et al. 2021, 2106.09685", About: "low-rank additions to linear layers and embeddings", Type: "LORA",
	New: func() Method {
		return &LoRA{LoRAConfig: LoRAConfig{PEFTType: "LORA", R: 8, Alpha: 16, Bias: "none", Init: true, InferenceMode: true}, matched: names{}}
	}})

// Name is lora.
func (*LoRA) Name() string { return "lora" }

// Flags adds the settings by PEFT's names.
func (l *LoRA) Flags(f *pflag.FlagSet) {
	f.IntVar(&l.R, "lora-r", l.R, "rank")
	f.Float64Var(&l.Alpha, "lora-alpha", l.Alpha, "scale: the addition is multiplied by alpha / r")
	f.Float64Var(&l.Dropout, "lora-dropout", l.Dropout, "dropout on the input of the addition")
	f.StringVar(&l.targets, "target-modules", "", "modules to adapt: names with commas, all-linear, or re:REGEX (default: as PEFT for the model type)")
	f.StringVar(&l.save, "modules-to-save", "", "modules trained whole, names with commas (classification heads always are)")
	f.BoolVar(&l.RSLoRA, "use-rslora", l.RSLoRA, "scale by alpha / sqrt(r)")
	f.StringVar(&l.Bias, "lora-bias", l.Bias, "biases to train: none, all, lora_only")
	f.StringToIntVar(&l.RankPattern, "rank-pattern", nil, "ranks of single modules: NAME=R,...")
}

// Setup chooses default targets and the head.
func (l *LoRA) Setup(c *model.Config, task model.Task) error {
	spec, ok := model.SpecOf(c.ModelType)
	if !ok {
		return fmt.Errorf("model_type %q is not supported", c.ModelType)
	}
	if l.targets != "" {
		t, err := ParseTargets(l.targets)
		if err != nil {
			return err
		}
		l.Targets = t
	}
	if l.Targets.Empty() {
		l.Targets.List = spec.Targets
	}
	if l.save != "" {
		l.Save = strings.Split(l.save, ",")
	}
	l.heads = spec.Heads
	l.TaskType = task.PEFTType()
	if l.TaskType == "SEQ_CLS" { // as PEFT's PeftModelForSequenceClassification does
		for _, n := range []string{"classifier", "score"} {
			if !endsIn(n, l.Save) {
				l.Save = append(l.Save, n)
			}
		}
	}
	return l.check()
}

func (l *LoRA) check() error {
	switch {
	case l.R <= 0:
		return fmt.Errorf("lora-r %d: want a rank of at least 1", l.R)
	case !(l.Alpha > 0) || math.IsInf(l.Alpha, 0):
		return fmt.Errorf("lora-alpha %g: want a positive number", l.Alpha)
	case !(l.Dropout >= 0 && l.Dropout < 1):
		return fmt.Errorf("lora-dropout %g: want a number in [0, 1)", l.Dropout)
	case l.Bias != "none" && l.Bias != "all" && l.Bias != "lora_only":
		return fmt.Errorf("lora-bias %q: want none, all or lora_only", l.Bias)
	case l.DoRA:
		return fmt.Errorf("use_dora: DoRA adapters are not supported")
	case l.FanInFanOut:
		return fmt.Errorf("fan_in_fan_out: no supported model has such layers")
	}
	for k, r := range l.RankPattern {
		if r <= 0 {
			return fmt.Errorf("rank_pattern %s=%d: want a rank of at least 1", k, r)
		}
	}
	for _, k := range append(sortedKeys(l.RankPattern), sortedKeys(l.AlphaPattern)...) {
		if _, err := compilePattern(k); err != nil {
			return err
		}
	}
	var err error
	l.layers, err = layerList(l.Layers)
	return err
}

// layerList reads layers_to_transform: a number, a list, or nothing.
func layerList(v any) ([]int, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case float64:
		return []int{int(v)}, nil
	case []any:
		var out []int
		for _, x := range v {
			f, ok := x.(float64)
			if !ok {
				return nil, fmt.Errorf("layers_to_transform: %v is no number", x)
			}
			out = append(out, int(f))
		}
		return out, nil
	}
	return nil, fmt.Errorf("layers_to_transform: want a number or a list of numbers")
}

// Trains the modules to save, and biases if asked.
func (l *LoRA) Trains(name string) bool {
	path := name[:max(0, strings.LastIndex(name, "."))]
	if endsIn(path, l.Save) {
		l.matched[path] = true
		return true
	}
	if strings.HasSuffix(name, ".bias") {
		return l.Bias == "all" || (l.Bias == "lora_only" && l.hits(path, -1))
	}
	return false
}

// hits tells whether the module at path gets an addition.
func (l *LoRA) hits(path string, layer int) bool {
	if endsIn(path, l.Save) {
		return false
	}
	if len(l.layers) > 0 && layer >= 0 {
		in := false
		for _, i := range l.layers {
			in = in || i == layer
		}
		if !in {
			return false
		}
	}
	return l.Targets.Match(path, endsIn(path, l.heads))
}

// Apply adds s B A drop(x).
func (l *LoRA) Apply(b *model.Builder, s model.Site, x, y *graph.Node) *graph.Node {
	switch s.Kind {
	case model.Linear:
	case model.Embedding:
		if l.Targets.Expr == allLinear {
			return y
		}
	default:
		return y
	}
	if !l.hits(s.Path, s.Layer) {
		return y
	}
	r, scale, _ := l.scale(s.Path) // check has compiled every pattern
	l.matched[s.Path] = true
	base := prefix + s.Path
	if s.Kind == model.Embedding {
		a := b.New(base+".lora_embedding_A", model.Zeros, s.In, r) // held as [V, r]; the file has [r, V]
		v := b.New(base+".lora_embedding_B", model.Normal(1), s.Out, r)
		return graph.AddScaled(y, graph.Linear(b.Lookup(a, x), v, nil), scale)
	}
	a := b.New(base+".lora_A.weight", model.Uniform(1/math.Sqrt(float64(s.In))), r, s.In)
	v := b.New(base+".lora_B.weight", model.Zeros, s.Out, r)
	h := graph.Linear(b.Dropout(x, l.Dropout), a, nil)
	return graph.AddScaled(y, graph.Linear(h, v, nil), scale)
}

// scale is the rank and the factor of the addition at a module.
func (l *LoRA) scale(path string) (int, float32, error) {
	r, err := pattern(l.RankPattern, path, l.R)
	if err != nil {
		return 0, 0, err
	}
	alpha, err := pattern(l.AlphaPattern, path, l.Alpha)
	if err != nil {
		return 0, 0, err
	}
	if l.RSLoRA {
		return r, float32(alpha / math.Sqrt(float64(r))), nil
	}
	return r, float32(alpha / float64(r)), nil
}

// Matched lists the adapted and saved modules.
func (l *LoRA) Matched() []string { return l.matched.sorted() }

// Config is the adapter_config.json. PEFT wants its patterns to be objects, not null.
func (l *LoRA) Config() any {
	if l.RankPattern == nil {
		l.RankPattern = map[string]int{}
	}
	if l.AlphaPattern == nil {
		l.AlphaPattern = map[string]float64{}
	}
	return &l.LoRAConfig
}

// Merge adds s B A to a linear weight, s (B A)^T to an embedding, or replaces a saved module.
func (l *LoRA) Merge(s model.Site, w []float32, value func(string) ([]float32, bool)) (bool, error) {
	if endsIn(s.Path, l.Save) {
		return replace(s.Path+".weight", w, value)
	}
	_, scale, err := l.scale(s.Path)
	if err != nil {
		return false, err
	}
	base := prefix + s.Path
	if s.Kind == model.Embedding {
		a, okA := value(base + ".lora_embedding_A")
		b, okB := value(base + ".lora_embedding_B")
		if okA && okB {
			addProduct(w, a, b, s.In, s.Out, scale)
		}
		return okA && okB, nil
	}
	a, okA := value(base + ".lora_A.weight")
	b, okB := value(base + ".lora_B.weight")
	if okA != okB {
		return false, fmt.Errorf("%s: lora_A and lora_B must both be there", s.Path)
	}
	if okA {
		addProduct(w, b, transpose(a, len(a)/s.In, s.In), s.Out, s.In, scale)
	}
	return okA, nil
}

// addProduct is w[i, j] += scale sum_k u[i, k] v[j, k] in float64. u: [m, r], v: [n, r].
func addProduct(w, u, v []float32, m, n int, scale float32) {
	r := len(u) / m
	for i := range m {
		for j := range n {
			s := 0.0
			for k := range r {
				s += float64(u[i*r+k]) * float64(v[j*r+k])
			}
			w[i*n+j] += float32(float64(scale) * s)
		}
	}
}

func transpose(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}
