package peft

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"luthier/graph"
	"luthier/model"
)

// Full trains every weight, or those whose names have one of Only's prefixes. What it saves is a whole model.
type Full struct {
	Only    []string
	trained names
}

var _ = register(Spec{Name: "full", Paper: "Devlin et al. 2019, 1810.04805", About: "every weight is trained; the result is a whole model",
	New: func() Method { return &Full{trained: names{}} }})

// Name is full.
func (*Full) Name() string { return "full" }

// Flags adds train-only.
func (f *Full) Flags(s *pflag.FlagSet) {
	s.StringSliceVar(&f.Only, "train-only", nil, "train only weights whose names start so")
}

// Setup has nothing to fill in.
func (f *Full) Setup(*model.Config, model.Task) error { return nil }

// Trains every weight.
func (f *Full) Trains(name string) bool {
	for _, p := range f.Only {
		if strings.HasPrefix(name, p) {
			f.trained[name] = true
			return true
		}
	}
	if len(f.Only) == 0 {
		f.trained[name] = true
	}
	return len(f.Only) == 0
}

// Apply is the identity.
func (*Full) Apply(_ *model.Builder, _ model.Site, _, y *graph.Node) *graph.Node { return y }

// Matched lists the trained weights.
func (f *Full) Matched() []string { return f.trained.sorted() }

// Config is nil: there is no adapter.
func (*Full) Config() any { return nil }

// Merge replaces a weight by its trained value.
func (*Full) Merge(s model.Site, w []float32, value func(string) ([]float32, bool)) (bool, error) {
	return replace(s.Path+".weight", w, value)
}

// replace copies the trained value of a base weight over w.
func replace(name string, w []float32, value func(string) ([]float32, bool)) (bool, error) {
	x, ok := value(name)
	if !ok {
		return false, nil
	}
	if len(x) != len(w) {
		return false, fmt.Errorf("%s: trained tensor has %d values, the base has %d", name, len(x), len(w))
	}
	copy(w, x)
	return true, nil
}
