package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"sort"
	"strings"

	"luthier/backend"
	"luthier/graph"
	"luthier/model/safetensors"
)

// Weights is where the values of leaves come from: what was given (a loaded adapter, tables), then the checkpoint, then fresh
// parameters. It remembers what the model asked for, so that a tensor nobody wanted or nobody had can be named.
type Weights struct {
	Seed      uint64 // of fresh parameters
	KeepType  bool   // trained matrices keep the file's bf16, for updates that round stochastically; else they become f32
	Positions int    // rows of position tables: the longest sequence that programs will see
	file      *safetensors.Model
	config    *Config
	spec      Spec
	given     map[string][]float32
	givenDims map[string][]int     // shapes of those, where they are known
	rebased   map[string][]float32 // weights of the checkpoint that other values stand for
	fresh     map[string]Init
	used      map[string]string // tensor of the file by weight name
	shapes    map[string][]int
	started   map[string]bool // weights of heads that the checkpoint lacks
	headed    bool            // the model was built with its vocabulary head
	virtual   *backend.DType  // of a model of shapes only: the type of its matrices
	err       error
}

func newWeights(c *Config) *Weights {
	return &Weights{Positions: c.MaxPositions, config: c, spec: specs[c.ModelType], given: map[string][]float32{}, givenDims: map[string][]int{},
		rebased: map[string][]float32{}, fresh: map[string]Init{}, used: map[string]string{}, shapes: map[string][]int{}, started: map[string]bool{}}
}

// OpenWeights opens the checkpoint in dir for a model of that config.
func OpenWeights(dir string, c *Config) (*Weights, error) {
	f, err := safetensors.OpenModel(dir)
	if err != nil {
		return nil, err
	}
	w := newWeights(c)
	w.file = f
	w.settleTie()
	return w, nil
}

// Close unmaps the checkpoint.
func (w *Weights) Close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

func (w *Weights) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// strangers is the usual reason for weights that a config does not describe.
const strangers = "config.json and the weights do not belong together: fetch the model again"

// declare checks a weight against the checkpoint and chooses its storage type: bf16 stays bf16 in frozen matrices.
func (w *Weights) declare(name string, trains bool, dims []int) (backend.DType, error) {
	w.shapes[name] = dims
	if w.virtual != nil {
		return w.declareVirtual(name, trains, dims)
	}
	t, ok := w.find(name)
	if !ok {
		if _, given := w.given[name]; given {
			return backend.F32, w.fits(name, dims, strangers)
		}
		if !w.isHead(name) {
			return 0, &safetensors.FormatError{File: w.file.Dir(), Tensor: name, Problem: fmt.Sprintf("is missing; the config (model_type %s, %d layers) wants it with shape %v",
				w.config.ModelType, w.config.Layers, dims), Remedy: strangers}
		}
		w.started[name] = true
		switch {
		case !strings.HasSuffix(name, ".weight"):
			w.fresh[name] = Zeros
		case len(dims) == 1: // of a norm
			w.fresh[name] = Ones
		default:
			w.fresh[name] = Normal(w.config.InitializerRange)
		}
		return backend.F32, nil
	}
	if err := w.fits(name, dims, "was the vocabulary resized before it was trained?"); err != nil {
		return 0, err
	}
	if !graph.Shape(dims).Equal(t.Shape) {
		return 0, &safetensors.FormatError{File: w.file.Dir(), Tensor: t.Name, Problem: fmt.Sprintf("has shape %v, the config wants %v", t.Shape, dims), Remedy: strangers}
	}
	if !w.borrows(name, t.Name) {
		w.used[name] = t.Name
	}
	if t.DType == safetensors.BF16 && w.narrow(trains, dims) && w.given[name] == nil && w.rebased[name] == nil {
		return backend.BF16, nil
	}
	return backend.F32, nil
}

// isHead tells whether a checkpoint of the base model may lack the weight.
func (w *Weights) isHead(name string) bool {
	for _, h := range w.spec.Heads {
		if strings.HasPrefix(name, h+".") {
			return true
		}
	}
	return false
}

// FromFile tells whether the values of a weight at the start of the run are the checkpoint's.
func (w *Weights) FromFile(name string) bool {
	_, ok := w.find(name)
	_, given := w.given[name]
	return ok && !given
}

// Started lists the weights that the checkpoint lacks and that start fresh, sorted.
func (w *Weights) Started() []string { return keys(w.started) }

// Untrained lists those of the Started weights whose values are chance. Biases are not among them: they are zero, as transformers has them
// where a checkpoint lacks them.
func (w *Weights) Untrained() (out []string) {
	for _, name := range w.Started() {
		if strings.HasSuffix(name, ".weight") {
			out = append(out, name)
		}
	}
	return out
}

// Unused lists tensors of the checkpoint that no build asked for, sorted.
func (w *Weights) Unused() []string {
	if w.file == nil {
		return nil
	}
	used := map[string]bool{}
	for _, t := range w.used {
		used[t] = true
	}
	var out []string
	for _, n := range w.file.Names() {
		if !used[n] {
			out = append(out, n)
		}
	}
	return out
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Source fills leaves for graph.Store.
func (w *Weights) Source(n *graph.Node) ([]byte, error) {
	l := n.Leaf()
	if l.Of != "" {
		raw, err := w.bytes(l.Of, l.From.DType, l.From.Shape)
		if err != nil {
			return nil, err
		}
		rows, cols := l.From.Shape[0], l.From.Shape[1]
		return graph.TransposeBytes(raw, rows, cols, cols, max(n.LD, rows), int(l.From.DType.Bytes(2)/2)), nil
	}
	return w.bytes(l.Name, n.DType, n.Shape)
}

// bytes are the values of a weight in storage type t.
func (w *Weights) bytes(name string, t backend.DType, s graph.Shape) ([]byte, error) {
	if w.virtual != nil {
		return nil, w.noValues(name)
	}
	if t == backend.BF16 {
		x, ok := w.find(name)
		if !ok || x.DType != safetensors.BF16 {
			return nil, fmt.Errorf("%s: %s is no longer a bf16 tensor", w.file.Dir(), name)
		}
		return x.Data, nil
	}
	x, err := w.Values(name, s.Elems())
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	return raw, nil
}

// Values are n float32 values of a weight or fresh parameter at the start of the run.
func (w *Weights) Values(name string, n int) ([]float32, error) {
	if x, ok := w.given[name]; ok {
		if len(x) != n {
			return nil, fmt.Errorf("%s: %d values given, want %d", name, len(x), n)
		}
		return x, nil
	}
	if x, ok := w.rebased[name]; ok {
		if len(x) != n {
			return nil, fmt.Errorf("%s: %d values stand for it, want %d", name, len(x), n)
		}
		return x, nil
	}
	x := make([]float32, n)
	if t, ok := w.find(name); ok {
		return x, t.Float32(x)
	}
	init, ok := w.fresh[name]
	if !ok {
		return nil, fmt.Errorf("%s: tensor %s is missing", w.file.Dir(), name)
	}
	init(w.rng(name), x)
	return x, nil
}
