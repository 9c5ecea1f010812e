package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"luthier/backend"
	"luthier/data"
	"luthier/graph"
)

// Forward is a program that computes the losses of one batch shape: no dropout, no gradients, trained weights perturbed as its noise says.
type Forward struct {
	*graph.Program
	e            *Engine
	Trained      []*graph.Node // the trained leaves that it loads, in the order of declaration
	States       []*graph.Node // the anchors of trained leaves that it loads (see graph.Noise)
	rows, logits *graph.Node
}

// DraftForward plans a forward program without allocating; Bind makes it run. noise may be nil.
func (e *Engine) DraftForward(s Shape, noise *graph.Noise) (*graph.Draft, *Forward, error) {
	g := graph.New()
	b := e.builder(g, s, false)
	out, err := b.Loss(e.Task, e.Labels, 0)
	if err != nil {
		return nil, nil, err
	}
	e.Sites = b.Sites
	f := &Forward{e: e, rows: out.Rows, logits: cmp.Or(out.Logits, out.Hits)}
	g.Output(out.Rows)
	if f.logits != nil {
		g.Output(f.logits)
	}
	e.remember(g)
	d, err := e.prepare(g, graph.Options{Noise: noise, Trace: e.Trace})
	if err != nil {
		return nil, nil, err
	}
	for _, n := range d.Used() {
		switch n.Leaf().Kind {
		case graph.Trainable:
			f.Trained = append(f.Trained, n)
		case graph.State:
			f.States = append(f.States, n)
			name, shape := n.Weight()
			e.shapes[name] = graph.Sig{Shape: shape, DType: n.DType}
		}
	}
	return d, f, nil
}

// Bind makes the program of a draft.
func (f *Forward) Bind(d *graph.Draft) (err error) {
	f.Program, err = d.Bind(f.e.Store)
	return err
}

// Measured is what a forward run found for one batch.
type Measured struct {
	Batch        *data.Batch
	Rows         []float32 // loss of each row
	Logits       []float32 // nil where the task has none; of a masked language model its hits
	rows, logits backend.Fetch
	f            *Forward
}

// Launch queues a batch and the reading of its results.
func (f *Forward) Launch(ctx context.Context, b *data.Batch, table []byte) (*Measured, error) {
	if err := f.e.Feed(f.Program, b, 1); err != nil {
		return nil, err
	}
	if err := f.Write(graph.ZOTable, table); err != nil {
		return nil, err
	}
	if err := f.Run(ctx); err != nil {
		return nil, err
	}
	m := &Measured{Batch: b, f: f}
	var err error
	if m.rows, err = f.e.Dev.Fetch(f.Buffer(f.rows)); err == nil && f.logits != nil {
		m.logits, err = f.e.Dev.Fetch(f.Buffer(f.logits))
	}
	return m, err
}

// Wait reads the results.
func (m *Measured) Wait(ctx context.Context) error {
	raw, err := m.rows.Wait(ctx)
	if err != nil {
		return err
	}
	m.Rows = floats(raw)[:m.f.rows.Shape.Elems()] // a buffer is longer than what it holds
	if m.logits != nil {
		if raw, err = m.logits.Wait(ctx); err != nil {
			return err
		}
		m.Logits = floats(raw)[:m.f.logits.Shape.Elems()]
	}
	return nil
}

// Halves splits what was measured on a batch of two copies.
func (m *Measured) Halves(b *data.Batch) (first, second *Measured) {
	first, second = &Measured{Batch: b}, &Measured{Batch: b}
	n, k := len(m.Rows)/2, len(m.Logits)/2
	first.Rows, second.Rows = m.Rows[:n], m.Rows[n:]
	if m.Logits != nil {
		first.Logits, second.Logits = m.Logits[:k], m.Logits[k:]
	}
	return first, second
}

// Objective is a number to make small: the mean loss, or minus a metric. name is one of MetricNames. The sums are float64 over the rows, in
// their order, so that the difference of two losses keeps its digits. NaN and infinity are the caller's to look for.
func (e *Engine) Objective(name string, ms []*Measured) (float64, error) {
	name = metricName(name)
	sum, n := 0.0, 0
	var s scored
	for _, m := range ms {
		sum += m.batchLoss()
		n += e.labels(m.Batch)
		if name != "loss" && m.Logits != nil {
			s.add(e, m.Batch, m.Logits)
		}
	}
	loss := sum / math.Max(1, float64(n))
	if name == "loss" || !finite(loss) {
		return loss, nil
	}
	v, ok := s.metrics(e.Task, e.Labels, loss)[name]
	switch {
	case !slices.Contains(e.MetricNames(), name):
		return 0, fmt.Errorf("--objective %s: a %s run measures %v", name, e.Task, e.MetricNames())
	case !ok:
		return 0, nil // undefined on this batch, such as the correlation of one row: it says nothing
	case GreaterIsBetter(name):
		return -v, nil
	}
	return v, nil
}

// Reserved are the plans of evaluation, to be reserved beside a stepper's own, and what binds them afterwards.
type Reserved struct {
	Plans []*graph.Plan
	Bind  func() error
}

// ReserveEvals plans the batch shapes of evaluation. each is told the trained leaves that a program loads.
func (e *Engine) ReserveEvals(each func(trained []*graph.Node)) (*Reserved, error) {
	drafts, progs, err := e.evalDrafts(e.Evals)
	if err != nil {
		return nil, err
	}
	for _, d := range drafts {
		var trained []*graph.Node
		for _, n := range d.Used() {
			if n.Leaf().Kind == graph.Trainable {
				trained = append(trained, n)
			}
		}
		each(trained)
	}
	return &Reserved{plansOf(drafts), func() error { return e.bindEvals(e.Evals, drafts, progs) }}, nil
}
