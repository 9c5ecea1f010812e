// Package peft holds fine-tuning methods, one file each, and PEFT's adapter files.
//
// A method is a model.Adapter with settings. It acts on the sites of a model while the model is built; what it trains are leaves named as
// PEFT names them in a file (base_model.model. before the module path), or base weights by their own names. Adding a method is adding a
// file: its flags, its equations, and how it merges where it can.
package peft

import (
	"fmt"
	"sort"
	"strings"

	"github.com/spf13/pflag"

	"luthier/model"
)

// Method is a fine-tuning method.
type Method interface {
	model.Adapter
	// Name as the command line has it.
	Name() string
	// Flags adds the method's settings.
	Flags(f *pflag.FlagSet)
	// Setup fills what depends on the model, and refuses settings that cannot work.
	Setup(c *model.Config, task model.Task) error
	// Matched lists the modules that the method acts on, after a build; sorted.
	Matched() []string
	// Config is the adapter_config.json of the method, nil for methods that have none.
	Config() any
}

// Merger is a Method that folds into the base weights.
type Merger interface {
	// Merge changes the weight w, row-major, of a site of the given path in place; value returns a trained tensor by name. It tells
	// whether it changed w.
	Merge(s model.Site, w []float32, value func(name string) ([]float32, bool)) (bool, error)
}

// Spec registers a method.
type Spec struct {
	Name  string
	Paper string // authors, year, arXiv number
	About string // one line for the table of methods
	Type  string // PEFT's peft_type
	New   func() Method
}

var specs = map[string]Spec{}

func register(s Spec) bool {
	specs[s.Name] = s
	return true
}

// New returns the method of that name with its defaults.
func New(name string) (Method, error) {
	s, ok := specs[name]
	if !ok {
		return nil, fmt.Errorf("method %q is not known: have %s", name, strings.Join(Names(), ", "))
	}
	return s.New(), nil
}

// Names lists the methods, sorted.
func Names() []string {
	var out []string
	for n := range specs {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// SpecOf is the registration of a method.
func SpecOf(name string) (Spec, bool) {
	s, ok := specs[name]
	return s, ok
}

// prefix stands before module paths in PEFT's files.
const prefix = "base_model.model."

// Key is the name of a trained tensor in an adapter file.
func Key(leaf string) string {
	if strings.HasPrefix(leaf, prefix) {
		return leaf
	}
	return prefix + leaf
}

// names is a set of module names that answers in order.
type names map[string]bool

func (n names) sorted() []string {
	var out []string
	for k := range n {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
