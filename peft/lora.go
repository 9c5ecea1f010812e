package peft

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"luthier/graph"
	"luthier/model"
)

// LoRA adds s B A x to the output of linear layers, and s B A[ids] to embeddings, with A, B of low rank (Hu et al. 2021, 2106.09685,
// section 4.1). s is alpha / r, or alpha / sqrt(r) with rsLoRA (Kalajdzievski 2023, 2312.03732). A starts uniform in
// +-1/sqrt(in), or from N(0, 1/r^2) where init_lora_weights is gaussian, and B zero, so that training starts from the base model; embeddings
// the other way round, B from N(0, 1).
type LoRA struct {
	LoRAConfig
	targets, exclude, save, init string // flags
	layersFlag                   []int
	matched                      names
	linear, others               names // modules that were met: those that all-linear means, and the rest
	heads                        []string
	table, head                  string // weights that are tied to each other, empty where none are
	layers                       []int
	patterns                     map[string]*expression // keys of the rank and alpha patterns
}

var _ = register(Spec{Name: "lora", Paper: "Hu et al. 2021, 2106.09685", About: "low-rank additions to linear layers and embeddings", Type: "LORA",
	New: func() Method {
		return &LoRA{LoRAConfig: LoRAConfig{PEFTType: "LORA", R: 8, Alpha: 16, Bias: "none", Init: true, InferenceMode: true}, matched: names{}, linear: names{}, others: names{}}
	}})

// Name is lora.
func (*LoRA) Name() string { return "lora" }

// Trains the modules to save, and biases if asked.
func (l *LoRA) Trains(name string) bool {
	path := name[:max(0, strings.LastIndex(name, "."))]
	if !l.linear[path] {
		l.see(path, false)
	}
	switch {
	case l.table != "" && name == l.table && l.EnsureTying: // trained with the head that it is tied to, whichever of them was asked for
		path = strings.TrimSuffix(l.table, ".weight")
		if !l.saved(path) && !l.saved(strings.TrimSuffix(l.head, ".weight")) {
			return false
		}
	case l.saved(path):
	case strings.HasSuffix(name, ".bias"):
		return l.Bias == "all" || (l.Bias == "lora_only" && l.hasBias(path))
	default:
		return false
	}
	l.matched[path] = true
	return true
}

// Parts tells whether a vocabulary head that is tied to the word embedding parts from it: as in PEFT, a copy of one of the two is trained
// and the other stays, unless ensure_weight_tying says otherwise.
func (l *LoRA) Parts(table, head string) bool {
	return !l.EnsureTying && (l.saved(strings.TrimSuffix(table, ".weight")) || l.saved(strings.TrimSuffix(head, ".weight")))
}

// Apply adds s B A drop(x).
func (l *LoRA) Apply(b *model.Builder, s model.Site, x, y *graph.Node) *graph.Node {
	l.see(s.Path, s.Kind == model.Linear)
	switch s.Kind {
	case model.Linear:
	case model.Embedding:
		if l.Targets.Expr == allLinear {
			return y
		}
	default:
		return y
	}
	hit := l.hits(s.Path)
	if err := errors.Join(l.Targets.fault(), l.Exclude.fault()); err != nil {
		b.Fail(err)
	}
	if !hit {
		return y
	}
	r, scale, err := l.scale(s.Path)
	if err != nil {
		b.Fail(err)
		return y
	}
	l.matched[s.Path] = true
	base := prefix + s.Path
	if s.Kind == model.Embedding {
		a := b.New(base+".lora_embedding_A", model.Zeros, s.In, r) // held as [V, r]; the file has [r, V]
		v := b.New(base+".lora_embedding_B", model.Normal(1), s.Out, r)
		return graph.AddScaled(y, graph.Linear(b.Lookup(a, x), v, nil), scale)
	}
	start := model.Uniform(1 / math.Sqrt(float64(s.In)))
	if l.Init == gaussian {
		start = model.Normal(1 / float64(r))
	}
	a := b.New(base+".lora_A.weight", start, r, s.In)
	v := b.New(base+".lora_B.weight", model.Zeros, s.Out, r)
	h := graph.Linear(b.Dropout(x, l.Dropout), a, nil)
	return graph.AddScaled(y, graph.Linear(h, v, nil), scale)
}

// scale is the rank and the factor of the addition at a module.
func (l *LoRA) scale(path string) (int, float32, error) {
	r, err := l.RankPattern.at(l.patterns, path, l.R)
	if err != nil {
		return 0, 0, err
	}
	alpha, err := l.AlphaPattern.at(l.patterns, path, l.Alpha)
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

// Merge adds s B A to a linear weight, s (B A)^T to an embedding, or replaces a saved module.
func (l *LoRA) Merge(s model.Site, w []float32, value func(string) ([]float32, bool)) (bool, error) {
	if l.saved(s.Path) {
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
