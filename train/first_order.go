package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"luthier/backend"
	"luthier/data"
	"luthier/graph"
	"luthier/optim"
)

// FirstOrder is the Stepper of backpropagation: one recording of forward, backward and update a batch shape; with accumulation, one of
// forward and backward that adds to accumulators, and one update.
type FirstOrder struct {
	e        *Engine
	opt      optim.Optimizer
	o        FirstOrderOptions
	programs map[Shape]*graph.Program
	update   *graph.Program
	params   []string // trained tensors, in the order of the norms
	lrs      map[int]float64
	asked    fetching
	done     int // last step whose result was returned
	queued   int // last step queued
	Plan     *graph.Plan
}

// FirstOrderOptions are the settings of backpropagation that no optimizer has.
type FirstOrderOptions struct {
	MaxGradNorm float64 // clip to this global norm; 0 for none
	Accumulate  int     // micro-batches a step
	Seed        uint64  // of dropout
	LRScale     func(name string) float32
}

type fetching struct {
	fetches [3]backend.Fetch
	upto    int
}

// ring is how many steps' results the device keeps.
const ring = 64

// NewFirstOrder makes the stepper; Prepare allocates.
func NewFirstOrder(e *Engine, opt optim.Optimizer, o FirstOrderOptions) *FirstOrder {
	o.Accumulate = max(1, o.Accumulate)
	return &FirstOrder{e: e, opt: opt, o: o, programs: map[Shape]*graph.Program{}, lrs: map[int]float64{}}
}

// Draft plans one batch shape without allocating.
func (f *FirstOrder) Draft(s Shape) (*graph.Draft, error) {
	g := graph.New()
	b := f.e.builder(g, s, true)
	out, err := b.Loss(f.e.Task, f.e.Labels, float32(f.e.Smoothing))
	if err != nil {
		return nil, err
	}
	f.e.Sites = b.Sites
	var params []*graph.Node
	for _, n := range g.Leaves() {
		if n.Leaf().Kind == graph.Trainable {
			params = append(params, n)
		}
	}
	if len(params) == 0 {
		return nil, fmt.Errorf("nothing is trained: the method matched no weight")
	}
	grads := g.Grad(out.Loss, params)
	var used []optim.Parameter
	f.params = f.params[:0]
	for i, p := range params {
		if grads[i] == nil {
			continue // the loss does not depend on it: an unused pooler
		}
		used = append(used, f.parameter(p, grads[i]))
		f.params = append(f.params, p.Leaf().Name)
	}
	end := g.Scope("update")
	if f.o.Accumulate > 1 {
		for _, p := range used {
			graph.Accumulate(g.StateOf("grad_accumulator."+p.Value.Leaf().Name, p.Value.Shape...), p.Gradient)
		}
		graph.Accumulate(g.StateOf("loss_accumulator", 1), out.Loss)
	} else {
		f.updates(g, used, out.Loss)
	}
	end()
	f.e.remember(g)
	return f.e.prepare(g, f.e.options())
}

func (f *FirstOrder) parameter(p, grad *graph.Node) optim.Parameter {
	name := p.Leaf().Name
	scale := float32(1)
	if f.o.LRScale != nil {
		scale = f.o.LRScale(name)
	}
	return optim.Parameter{Value: p, Gradient: grad, Decay: !optim.NoDecay(name, len(p.Shape)), LRScale: scale}
}

// updates adds norms, clipping, the optimizer, and the record of the step.
func (f *FirstOrder) updates(g *graph.Graph, ps []optim.Parameter, loss *graph.Node) {
	grads := make([]*graph.Node, len(ps))
	for i, p := range ps {
		grads[i] = p.Gradient
	}
	norms := graph.SquaredNorms(grads...)
	clip := graph.ClipScale(norms, float32(f.o.MaxGradNorm))
	hyper := g.InputOf("hyper", backend.F32, graph.HyperSize)
	for _, p := range ps {
		f.opt.Update(p, hyper, clip)
	}
	slot := g.InputOf("slot", backend.U32, 4)
	graph.Record(g.StateOf("ring.norms", ring, len(ps)), slot, norms)
	graph.Record(g.StateOf("ring.loss", ring, 1), slot, loss)
	graph.Record(g.StateOf("ring.clip", ring, 2), slot, clip)
}

// updateDraft is the second program of accumulation.
func (f *FirstOrder) updateDraft() (*graph.Draft, error) {
	g := graph.New()
	b := f.e.builder(g, Shape{1, 4}, true)
	if _, err := b.Loss(f.e.Task, f.e.Labels, 0); err != nil { // declares the leaves; the passes drop the rest
		return nil, err
	}
	wanted := map[string]bool{}
	for _, n := range f.params {
		wanted[n] = true
	}
	var ps []optim.Parameter
	var states []*graph.Node
	for _, n := range append([]*graph.Node(nil), g.Leaves()...) {
		if n.Leaf().Kind == graph.Trainable && wanted[n.Leaf().Name] {
			acc := g.StateOf("grad_accumulator."+n.Leaf().Name, n.Shape...)
			ps, states = append(ps, f.parameter(n, acc)), append(states, acc)
		}
	}
	loss := g.StateOf("loss_accumulator", 1)
	f.updates(g, ps, loss)
	for _, s := range append(states, loss) {
		graph.Clear(s)
	}
	f.e.remember(g)
	return f.e.prepare(g, graph.Options{Trace: f.e.Trace})
}

// Prepare plans all shapes, reserves arenas for the largest and binds every program.
func (f *FirstOrder) Prepare(shapes []Shape) error {
	var drafts []*graph.Draft
	var plans []*graph.Plan
	for _, s := range shapes {
		d, err := f.Draft(s)
		if err != nil {
			return err
		}
		drafts, plans = append(drafts, d), append(plans, d.Plan)
		if f.Plan == nil || d.Plan.Total() > f.Plan.Total() {
			f.Plan = d.Plan
		}
		e, _, err := f.e.evalDraft(s)
		if err != nil {
			return err
		}
		plans = append(plans, e.Plan)
	}
	evals, progs, err := f.e.evalDrafts(f.e.Evals)
	if err != nil {
		return err
	}
	plans = append(plans, plansOf(evals)...)
	var update *graph.Draft
	if f.o.Accumulate > 1 {
		if update, err = f.updateDraft(); err != nil {
			return err
		}
		plans = append(plans, update.Plan)
	}
	if err := f.e.Store.Reserve(plans...); err != nil {
		return err
	}
	for i, d := range drafts {
		p, err := d.Bind(f.e.Store)
		if err != nil {
			return err
		}
		f.programs[shapes[i]] = p
	}
	if update != nil {
		if f.update, err = update.Bind(f.e.Store); err != nil {
			return err
		}
	}
	return f.e.bindEvals(f.e.Evals, evals, progs)
}

// Step queues one optimizer step.
func (f *FirstOrder) Step(ctx context.Context, step int, lr float64, micro []*data.Batch) error {
	if len(micro) > f.o.Accumulate {
		return fmt.Errorf("train: %d micro-batches, planned for %d", len(micro), f.o.Accumulate)
	}
	labels := 0
	for _, b := range micro {
		labels += f.e.labels(b)
	}
	scale := 1 / math.Max(1, float64(labels))
	f.lrs[step] = lr
	hyper := f.opt.Hyper(step, lr)
	for i, b := range micro {
		p := f.programs[Shape{b.B, b.T}]
		if p == nil {
			return fmt.Errorf("train: a batch of %d x %d tokens was not planned for", b.B, b.T)
		}
		if err := f.e.Feed(p, b, scale); err != nil {
			return err
		}
		if err := f.scalars(p, step, i, hyper); err != nil {
			return err
		}
		if err := p.Run(ctx); err != nil {
			return err
		}
	}
	if f.update != nil {
		if err := f.scalars(f.update, step, 0, hyper); err != nil {
			return err
		}
		if err := f.update.Run(ctx); err != nil {
			return err
		}
	}
	f.queued = step
	return nil
}

// scalars writes what changes each step.
func (f *FirstOrder) scalars(p *graph.Program, step, micro int, hyper [graph.HyperSize]float32) error {
	r := rand.New(rand.NewPCG(f.o.Seed, 0x64726f706f7574)) // the key of dropout; the counter is the step
	for name, data := range map[string][]byte{"hyper": reals(hyper[:]), "slot": raw([]uint32{uint32(step % ring), 0, 0, 0}),
		"seed": raw([]uint32{r.Uint32(), r.Uint32(), uint32(step), uint32(micro)})} {
		if err := p.Write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// Results reads the rings behind the work: without wait it returns what the previous call asked for and asks for the rest.
func (f *FirstOrder) Results(ctx context.Context, wait bool) ([]Result, error) {
	var out []Result
	collect := func(w *fetching) error {
		if w.fetches[0] == nil {
			return nil
		}
		rs, err := f.collect(ctx, w)
		out = append(out, rs...)
		return err
	}
	if err := collect(&f.asked); err != nil {
		return nil, err
	}
	if f.queued > f.done {
		if err := f.ask(&f.asked); err != nil {
			return nil, err
		}
		if wait {
			if err := collect(&f.asked); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (f *FirstOrder) ask(w *fetching) error {
	for i, name := range []string{"ring.norms", "ring.loss", "ring.clip"} {
		x, err := f.e.Dev.Fetch(f.e.Store.Buffers(name)[0])
		if err != nil {
			return err
		}
		w.fetches[i] = x
	}
	w.upto = f.queued
	return nil
}

func (f *FirstOrder) collect(ctx context.Context, w *fetching) ([]Result, error) {
	var rows [3][]float32
	for i, x := range w.fetches {
		b, err := x.Wait(ctx)
		if err != nil {
			return nil, err
		}
		rows[i] = floats(b)
	}
	*w = fetching{upto: w.upto}
	var out []Result
	n := len(f.params)
	for s := f.done + 1; s <= w.upto; s++ {
		at := s % ring
		r := Result{Step: s, Loss: float64(rows[1][at]), GradNorm: float64(rows[2][2*at]), LR: f.lrs[s]}
		delete(f.lrs, s)
		r.Bad = f.bad(r, rows[0][at*n:(at+1)*n])
		out = append(out, r)
	}
	f.done = w.upto
	return out, nil
}

// bad names the first tensor whose gradient is not finite.
func (f *FirstOrder) bad(r Result, norms []float32) string {
	if !finite(r.Loss) {
		return "loss"
	}
	for i, v := range norms {
		if !finite(float64(v)) {
			return "gradient of " + f.params[i]
		}
	}
	return ""
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Resume tells the stepper that steps up to step are done.
func (f *FirstOrder) Resume(step int) { f.done, f.queued = step, step }

// States are the optimizer's.
func (f *FirstOrder) States() []string {
	var out []string
	for _, n := range f.e.Store.Names(graph.State) {
		if !strings.HasPrefix(n, "ring.") && !strings.HasPrefix(n, "grad_accumulator.") && n != "loss_accumulator" && !strings.HasPrefix(n, "cache.") {
			out = append(out, n)
		}
	}
	return out
}

// Program is the compiled step of a batch shape, for profiles.
func (f *FirstOrder) Program(s Shape) *graph.Program { return f.programs[s] }

// Settings are the optimizer's and those of the gradient. A generator's whole state is its seed and the number of the step.
func (f *FirstOrder) Settings() map[string]any {
	return map[string]any{"optimizer": f.opt.Name(), "optimizer_settings": f.opt, "max_grad_norm": f.o.MaxGradNorm, "dropout_seed": f.o.Seed}
}
