// Package train runs fine-tuning: one loop over a Stepper, with evaluation, checkpoints, metrics and logs.
//
// An Engine holds a model on a device and compiles one program per batch shape; a Stepper takes optimizer steps with it; the Loop knows
// neither gradients nor their absence. The package does not know fine-tuning methods: it sees a model.Adapter.
package train

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"luthier/backend"
	"luthier/data"
	"luthier/graph"
	"luthier/model"
)

// Engine is a model with its method and task on one device.
type Engine struct {
	Dev       backend.Device
	Store     *graph.Store
	Config    *model.Config
	Weights   *model.Weights
	Method    model.Adapter
	Task      model.Task
	Labels    int             // classes
	Names     []string        // of the classes: entities are counted by them; nil for none
	Scores    int             // of model.Score: scored tokens a sequence, as LoaderOptions has it
	Masked    func(t int) int // of model.MaskedLM: labelled tokens that a sequence of t has at most; nil for t
	Smoothing float64
	Recompute bool
	Forward   bool         // no backward pass will run: see graph.Options
	Sites     []model.Site // of the last build
	Budget    int64        // bytes of device memory that a Generator may plan for, 0 for no limit
	Evals     []Shape      // batch shapes of evaluation, which a Stepper reserves memory for beside its own
	Trace     func(stage string, g *graph.Graph)
	evals     map[Shape]*evalProgram
	shapes    map[string]graph.Sig // of trained tensors and states, as last built
}

// NewEngine prepares an engine; nothing is allocated before the first program is bound.
func NewEngine(dev backend.Device, c *model.Config, w *model.Weights, m model.Adapter, task model.Task, labels int) *Engine {
	return &Engine{Dev: dev, Store: graph.NewStore(dev, w.Source), Config: c, Weights: w, Method: m, Task: task, Labels: labels,
		evals: map[Shape]*evalProgram{}, shapes: map[string]graph.Sig{}}
}

// Close frees the engine's memory. The device stays open.
func (e *Engine) Close() { e.Store.Close() }

// builder starts a build for one batch shape.
func (e *Engine) builder(g *graph.Graph, s Shape, train bool) *model.Builder {
	b := model.NewBuilder(g, e.Config, e.Weights, e.Method, s.B, s.T)
	b.Train, b.Tables, b.Scores, b.Masked = train, train, e.Scores, e.masked(s.T)
	return b
}

func (e *Engine) options() graph.Options {
	return graph.Options{Recompute: e.Recompute, Trace: e.Trace}
}

// prepare plans a graph without allocating.
func (e *Engine) prepare(g *graph.Graph, o graph.Options) (*graph.Draft, error) {
	o.Forward = e.Forward
	return graph.Prepare(g, e.Dev.Info(), e.Dev.Limits(), o)
}

// evalProgram computes losses and logits without dropout.
type evalProgram struct {
	*graph.Program
	loss, rows, logits *graph.Node // logits of a masked language model are its hits
}

func (e *Engine) evalDraft(s Shape) (*graph.Draft, *evalProgram, error) {
	g := graph.New()
	b := e.builder(g, s, false)
	out, err := b.Loss(e.Task, e.Labels, 0)
	if err != nil {
		return nil, nil, err
	}
	p := &evalProgram{loss: out.Loss, rows: out.Rows, logits: cmp.Or(out.Logits, out.Hits)}
	g.Output(out.Loss, out.Rows)
	if p.logits != nil {
		g.Output(p.logits)
	}
	d, err := e.prepare(g, graph.Options{})
	return d, p, err
}

func (e *Engine) evalFor(s Shape) (*evalProgram, error) {
	if p := e.evals[s]; p != nil {
		return p, nil
	}
	d, p, err := e.evalDraft(s)
	if err != nil {
		return nil, err
	}
	if p.Program, err = d.Bind(e.Store); err != nil {
		return nil, err
	}
	e.evals[s] = p
	return p, nil
}

// evalDrafts plans evaluation for several shapes.
func (e *Engine) evalDrafts(shapes []Shape) ([]*graph.Draft, []*evalProgram, error) {
	var drafts []*graph.Draft
	var progs []*evalProgram
	for _, s := range shapes {
		d, p, err := e.evalDraft(s)
		if err != nil {
			return nil, nil, err
		}
		drafts, progs = append(drafts, d), append(progs, p)
	}
	return drafts, progs, nil
}

// bindEvals allocates what evaluation needs beyond the reserved arenas.
func (e *Engine) bindEvals(shapes []Shape, drafts []*graph.Draft, progs []*evalProgram) (err error) {
	for i, d := range drafts {
		if progs[i].Program, err = d.Bind(e.Store); err != nil {
			return err
		}
		e.evals[shapes[i]] = progs[i]
	}
	return nil
}

func plansOf(drafts []*graph.Draft) []*graph.Plan {
	var out []*graph.Plan
	for _, d := range drafts {
		out = append(out, d.Plan)
	}
	return out
}

// remember keeps the shapes of what a checkpoint holds; the store knows sizes only.
func (e *Engine) remember(g *graph.Graph) {
	for _, n := range g.Leaves() {
		if k := n.Leaf().Kind; k == graph.Trainable || k == graph.State {
			e.shapes[n.Leaf().Name] = n.Sig
		}
	}
}

// Feed writes the inputs of a batch to a program. scale is the factor of the summed loss.
func (e *Engine) Feed(p *graph.Program, b *data.Batch, scale float64) error {
	first := make([]int32, b.B)
	for r := range b.B {
		first[r] = int32(r * b.T)
	}
	labels := b.Labels
	if labels == nil {
		labels = b.Classes
	}
	weights := make([]float32, b.B)
	for r := range b.B {
		if r%(b.B/max(1, b.Copies)) < b.Rows {
			weights[r] = 1
		}
	}
	in := map[string][]byte{"labels": words(labels), "attention_mask": words(b.Mask), "last_token": words(e.pooled(b)), "first_token": words(first),
		"targets": reals(b.Targets), "target_weights": reals(weights), "loss_scale": reals([]float32{float32(scale)})}
	if k := e.masked(b.T); k > 0 {
		rows, labels, err := maskedRows(b, k)
		if err != nil {
			return err
		}
		in["masked_rows"], in["masked_labels"] = words(rows), words(labels)
	}
	if b.Prompted != nil {
		in["score_rows"], in["score_labels"] = words(scoreRows(b)), words(b.Prompted.IDs)
	}
	for name, ids := range map[string][]int32{"input_ids": b.IDs, "token_type_ids": b.TypeIDs, "position_ids": Positions(b, e.Config.MaxPositions)} {
		in[name] = words(ids)
		if p.Wants(name + ".segments") {
			skip := int32(graph.NoID)
			if name == "input_ids" && e.Config.PadID != nil { // transformers makes the table with padding_idx
				skip = int32(*e.Config.PadID)
			}
			in[name+".segments"] = raw(graph.Segments(ids, skip))
		}
	}
	for name, data := range in {
		if err := p.Write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// Positions are the position ids of a batch, [B, T], of a model that knows most of them. They count tokens, so that padding on the left does
// not shift them.
func Positions(b *data.Batch, most int) []int32 {
	out := make([]int32, b.B*b.T)
	for r := range b.B {
		at := int32(0)
		for t := range b.T {
			out[r*b.T+t] = min(at, int32(most-1)) // beyond it there is only padding
			if b.Mask[r*b.T+t] != 0 || at > 0 {
				at++
			}
		}
	}
	return out
}

func words(x []int32) []byte {
	out := make([]byte, 0, 4*len(x))
	for _, v := range x {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	return out
}

func raw(x []uint32) []byte {
	out := make([]byte, 0, 4*len(x))
	for _, v := range x {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

func reals(x []float32) []byte {
	out := make([]byte, 0, 4*len(x))
	for _, v := range x {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

func floats(raw []byte) []float32 {
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// Trainable lists the trained tensors of the store by name.
func (e *Engine) Trainable() []string { return e.Store.Names(graph.Trainable) }

// Values reads a trained tensor or state back.
func (e *Engine) Values(ctx context.Context, name string) ([]float32, error) {
	b, err := e.Store.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	if e.shapes[name].DType == backend.BF16 {
		return bf16s(b), nil
	}
	return floats(b), nil
}

// bf16s widens bf16.
func bf16s(raw []byte) []float32 {
	out := make([]float32, len(raw)/2)
	for i := range out {
		out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
	}
	return out
}

// SetValues writes a trained tensor or state.
func (e *Engine) SetValues(name string, x []float32) error {
	if !e.Store.Has(name) {
		return fmt.Errorf("no tensor %s in this run", name)
	}
	return e.Store.Write(name, reals(x))
}
