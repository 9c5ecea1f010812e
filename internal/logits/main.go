// Command logits computes the logits of a model, with an adapter or without, on the token ids of a file: the half of scripts/check_interop.py
// that is not Python.
//
//	go run ./internal/logits -model DIR [-adapter DIR] -task clm -in batch.safetensors -out logits.safetensors
//	go run ./internal/logits -model DIR -method lora -save DIR -task classify -labels 3 -in ... -out ... -- --lora-r 4 --lora-bias all
//
// The file has input_ids, and may have attention_mask, token_type_ids and position_ids, I64 of shape [B, T]; out gets them and logits, F32.
// The second form makes an adapter by a method's own flags, moves every trained tensor by up to 0.1 at random, and saves it.
package main

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"

	"github.com/spf13/pflag"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/graph"
	"luthier/model"
	"luthier/peft"
)

// options are the flags.
type options struct {
	model, adapter, method, save, task, in, out, device string
	labels                                              int
	seed                                                uint64
	method0                                             []string
}

func main() {
	var o options
	flag.StringVar(&o.model, "model", "", "directory of the base model")
	flag.StringVar(&o.adapter, "adapter", "", "directory of an adapter")
	flag.StringVar(&o.method, "method", "", "method of an adapter to make")
	flag.StringVar(&o.save, "save", "", "where the made adapter goes")
	flag.StringVar(&o.task, "task", "clm", "clm, mlm, classify, token-classify or regress")
	flag.IntVar(&o.labels, "labels", 1, "outputs of a head")
	flag.Uint64Var(&o.seed, "seed", 1, "of the made adapter")
	flag.StringVar(&o.in, "in", "", "batch")
	flag.StringVar(&o.out, "out", "", "logits")
	flag.StringVar(&o.device, "device", "float64", "float64, or an adapter as luthier doctor --list names them, or auto")
	flag.Parse()
	o.method0 = flag.Args()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "logits:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	in, err := readBatch(o.in)
	if err != nil {
		return err
	}
	dev, err := open(o.device)
	if err != nil {
		return err
	}
	defer dev.Close() //nolint:errcheck // nothing is written to it
	c, err := model.ReadConfig(o.model)
	if err != nil {
		return err
	}
	w, err := model.OpenWeights(o.model, c)
	if err != nil {
		return err
	}
	defer w.Close() //nolint:errcheck // read-only
	w.Seed = o.seed
	m, err := o.adapted(c, w, in)
	if err != nil {
		return err
	}
	logits, err := o.logits(ctx, dev, c, w, m, in)
	if err != nil {
		return err
	}
	if rest := w.Started(); o.adapter == "" && o.method == "" && len(rest) > 0 {
		return fmt.Errorf("%s has no %v", o.model, rest)
	}
	return in.write(o.out, logits, model.Task(o.task))
}

func open(device string) (backend.Device, error) {
	if device == "float64" {
		return ref.New(), nil
	}
	return webgpu.Open(device, webgpu.Options{})
}

// adapted loads an adapter, or makes one; nil without either.
func (o options) adapted(c *model.Config, w *model.Weights, in *batch) (model.Adapter, error) {
	switch {
	case o.adapter != "":
		m, ts, err := peft.Load(o.adapter)
		if err != nil {
			return nil, err
		}
		for _, t := range ts {
			if t.Base {
				w.Rebase(t.Name, t.Values)
			} else {
				w.Give(t.Name, t.Values, t.Shape...)
			}
		}
		if err := m.Setup(c, model.Task(o.task)); err != nil {
			return nil, err
		}
		return m, o.placed(c, w, m, in, ts)
	case o.method != "":
		return o.make(c, w, in)
	}
	return nil, nil
}

// placed holds an adapter to having a place for each tensor.
func (o options) placed(c *model.Config, w *model.Weights, m peft.Method, in *batch, ts []peft.Tensor) error {
	leaves, err := o.trained(c, w, m, in)
	have := map[string]bool{}
	for _, n := range leaves {
		have[n.Leaf().Name] = true
	}
	for _, t := range ts {
		if err == nil && !have[t.Name] && !t.Base {
			err = fmt.Errorf("%s: tensor %s has no place in the model", o.adapter, t.Name)
		}
	}
	return err
}

// make makes an adapter with other values than it starts with.
func (o options) make(c *model.Config, w *model.Weights, in *batch) (peft.Method, error) {
	m, err := peft.New(o.method)
	if err != nil {
		return nil, err
	}
	f := pflag.NewFlagSet(o.method, pflag.ContinueOnError)
	m.Flags(f)
	if err := f.Parse(o.method0); err != nil {
		return nil, err
	}
	if err := m.Setup(c, model.Task(o.task)); err != nil {
		return nil, err
	}
	peft.KeepHead(m, c, w, model.Task(o.task))
	leaves, err := o.trained(c, w, m, in)
	if err != nil {
		return nil, err
	}
	var ts []peft.Tensor
	for _, n := range leaves {
		x, err := w.Values(n.Leaf().Name, n.Shape.Elems())
		if err != nil {
			return nil, err
		}
		x = append([]float32(nil), x...)
		h := fnv.New64a()
		h.Write([]byte(n.Leaf().Name))
		r := rand.New(rand.NewPCG(o.seed, h.Sum64()))
		for i := range x {
			x[i] += (2*r.Float32() - 1) * 0.1
		}
		w.Give(n.Leaf().Name, x)
		ts = append(ts, peft.Tensor{Name: n.Leaf().Name, Shape: n.Shape, Values: x})
	}
	if err := os.MkdirAll(o.save, 0o777); err != nil {
		return nil, err
	}
	return m, peft.Save(o.save, m, o.model, ts)
}

// trained are the trained leaves of a build.
func (o options) trained(c *model.Config, w *model.Weights, m model.Adapter, in *batch) ([]*graph.Node, error) {
	g := graph.New()
	b := model.NewBuilder(g, c, w, m, in.b, in.t)
	b.Tables = true
	if _, err := b.Loss(model.Task(o.task), o.labels, 0); err != nil {
		return nil, err
	}
	var out []*graph.Node
	for _, n := range g.Leaves() {
		if n.Leaf().Kind == graph.Trainable && n.Leaf().Of == "" {
			out = append(out, n)
		}
	}
	return out, nil
}

// logits builds and runs the model: of every token for a language model, else of what the head answers for.
func (o options) logits(ctx context.Context, dev backend.Device, c *model.Config, w *model.Weights, m model.Adapter, in *batch) ([]float32, error) {
	g := graph.New()
	b := model.NewBuilder(g, c, w, m, in.b, in.t)
	var y *graph.Node
	var err error
	switch task := model.Task(o.task); task {
	case model.CausalLM, model.MaskedLM:
		y, err = b.Logits(b.Rows())
	default:
		var out model.Outputs
		out, err = b.Loss(task, o.labels, 0)
		y = out.Logits
	}
	if err != nil {
		return nil, err
	}
	g.Output(y)
	store := graph.NewStore(dev, w.Source)
	defer store.Close()
	p, err := graph.Compile(g, store, graph.Options{Forward: true})
	if err != nil {
		return nil, err
	}
	for name, raw := range in.inputs() {
		if !p.Wants(name) {
			continue
		}
		if err := p.Write(name, raw); err != nil {
			return nil, err
		}
	}
	if err := p.Run(ctx); err != nil {
		return nil, err
	}
	raw, err := p.Read(ctx, y)
	return floats(raw), err
}
