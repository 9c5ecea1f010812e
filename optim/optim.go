// Package optim builds parameter updates: optimizers as nodes of the training graph, one file each, and learning-rate schedules.
//
// An optimizer is one in-place update a parameter, fused in one kernel, and not a chain of elementwise transforms as on an array
// library: each transform would cost a pass over the parameter, the gradient and the moments.
package optim

import (
	"fmt"
	"sort"
	"strings"

	"github.com/spf13/pflag"

	"luthier/graph"
)

// Parameter is one trained tensor with its gradient.
type Parameter struct {
	Value, Gradient *graph.Node
	Decay           bool    // weight decay applies
	LRScale         float32 // factor of the learning rate, 1 for most
}

// Optimizer builds updates.
type Optimizer interface {
	// Name as the command line has it.
	Name() string
	// Flags adds the optimizer's settings, named as in transformers' TrainingArguments.
	Flags(f *pflag.FlagSet)
	// Check refuses settings that cannot train.
	Check() error
	// Update adds the in-place update of p. hyper: [graph.HyperSize], clip: [2].
	Update(p Parameter, hyper, clip *graph.Node)
	// Hyper is what the host writes before step t, counted from 1.
	Hyper(t int, lr float64) [graph.HyperSize]float32
}

var optimizers = map[string]func() Optimizer{}

func register(name string, f func() Optimizer) bool {
	optimizers[name] = f
	return true
}

// New returns the optimizer of that name with its defaults.
func New(name string) (Optimizer, error) {
	f, ok := optimizers[name]
	if !ok {
		return nil, fmt.Errorf("optimizer %q is not known: have %s", name, strings.Join(Names(), ", "))
	}
	return f(), nil
}

// Names lists the optimizers, sorted.
func Names() []string {
	var out []string
	for n := range optimizers {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// NoDecay tells whether weight decay leaves the tensor of that name and rank alone: biases and the weights of norms, as in
// transformers' Trainer.
func NoDecay(name string, rank int) bool {
	if strings.HasSuffix(name, ".bias") || name == "bias" {
		return true
	}
	return rank < 2 && strings.HasSuffix(name, ".weight")
}

// stateName names an optimizer state of a parameter.
func stateName(kind string, p *graph.Node) string { return kind + "." + p.Leaf().Name }
