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
	save    string // flag
	trained names
}

var _ = register(Spec{Name: "full", Paper: "Devlin et al. 2019, 1810.04805", About: "every weight is trained; the result is a whole model",
	New: func() Method { return &Full{trained: names{}} }})

// Name is full.
func (*Full) Name() string { return "full" }

// Flags adds train-only.
func (f *Full) Flags(s *pflag.FlagSet) {
	s.StringSliceVar(&f.Only, "train-only", nil, "train only weights whose names start so")
	s.StringVar(&f.save, "save-dtype", "", "storage type of the model that is written: f32, bf16, f16 (default: as the base has it)")
}

// Setup checks the storage type.
func (f *Full) Setup(*model.Config, model.Task) error {
	if _, ok := model.StorageType(f.save); !ok {
		return fmt.Errorf("save-dtype %q: want f32, bf16 or f16", f.save)
	}
	return nil
}

// Storage is the type that the model is written in; empty for each weight as the base has it.
func (f *Full) Storage() string {
	dtype, _ := model.StorageType(f.save)
	return dtype
}

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
