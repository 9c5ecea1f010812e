package train

import (
	"context"
	"fmt"

	"luthier/data"
	"luthier/graph"
	"luthier/model"
)

// tap is an Adapter that also notes what enters the last linear layer built: the head, where the task has classes.
type tap struct {
	model.Adapter
	site  model.Site
	input *graph.Node
}

// Apply is the inner adapter's.
func (t *tap) Apply(b *model.Builder, s model.Site, x, y *graph.Node) *graph.Node {
	if s.Kind == model.Linear {
		t.site, t.input = s, x
	}
	return t.Adapter.Apply(b, s, x, y)
}

// KeyValues is the inner adapter's where it has one.
func (t *tap) KeyValues(b *model.Builder, s model.Site, k, v *graph.Node) (*graph.Node, *graph.Node, int) {
	if a, ok := t.Adapter.(model.KeyValueAdapter); ok {
		return a.KeyValues(b, s, k, v)
	}
	return k, v, 0
}

// Mask is the inner adapter's where it has one.
func (t *tap) Mask(b *model.Builder, s model.Site, o *graph.AttentionOptions) {
	if a, ok := t.Adapter.(model.MaskAdapter); ok {
		a.Mask(b, s, o)
	}
}

// HeadFeatures runs the model as it starts, without dropout, over an epoch of l and collects what enters the classification head: for bert
// the pooled first token, for llama the last token's hidden state. Rows without a class are left out; the others come in the order of l.
// A value that is not finite is a *DivergedError.
//
// The programs lie in an engine of their own, which is closed before it returns: call it before the training's memory is reserved, and the
// device holds no more than the larger of the two. each may be nil; it is told the batches done.
func (e *Engine) HeadFeatures(ctx context.Context, l *data.Loader, each func(batches int)) (*Features, error) {
	if e.Task != model.Classify {
		return nil, &OptionError{fmt.Errorf("--linear-probe: a %s run has no head of classes: leave it out", e.Task)}
	}
	own := NewEngine(e.Dev, e.Config, e.Weights, e.Method, e.Task, e.Labels)
	own.Forward, own.Trace = true, e.Trace
	defer own.Close()
	f, err := own.prepareFeatures(ShapesOf(l, 0))
	if err != nil {
		return nil, err
	}
	batches := 0
	err = own.pass(ctx, l, func(b *data.Batch, _ float64, x []float32) error {
		if batches++; each != nil {
			each(batches)
		}
		return f.add(b, x)
	})
	return f, err
}

// prepareFeatures makes the evaluation programs hand out the head's input in place of the logits.
func (e *Engine) prepareFeatures(shapes []Shape) (*Features, error) {
	var drafts []*graph.Draft
	var progs []*evalProgram
	f := &Features{Outputs: e.Labels}
	for _, s := range shapes {
		g := graph.New()
		t := &tap{Adapter: e.Method}
		b := model.NewBuilder(g, e.Config, e.Weights, t, s.B, s.T)
		out, err := b.Loss(e.Task, e.Labels, 0)
		if err != nil {
			return nil, err
		}
		if t.input == nil || t.site.Out != e.Labels {
			return nil, fmt.Errorf("%s: the last linear layer of a %s model is no head of %d classes", e.Config.File, e.Config.ModelType, e.Labels)
		}
		f.Head, f.Size, f.Bias = t.site.Path, t.site.In, t.site.Bias != nil
		g.Output(out.Loss, t.input)
		d, err := e.prepare(g, graph.Options{})
		if err != nil {
			return nil, err
		}
		drafts, progs = append(drafts, d), append(progs, &evalProgram{loss: out.Loss, rows: out.Rows, logits: t.input})
	}
	if err := e.Store.Reserve(plansOf(drafts)...); err != nil {
		return nil, err
	}
	return f, e.bindEvals(shapes, drafts, progs)
}

// add keeps the rows of a batch that have a class.
func (f *Features) add(b *data.Batch, x []float32) error {
	for r := range b.Rows {
		if b.Classes[r] == data.Ignore {
			continue
		}
		row := x[r*f.Size : (r+1)*f.Size]
		for _, v := range row {
			if !finite(float64(v)) {
				return &DivergedError{Tensor: fmt.Sprintf("the input of %s (line %d)", f.Head, b.Lines[r])}
			}
		}
		f.X, f.Classes = append(f.X, row...), append(f.Classes, b.Classes[r])
	}
	return nil
}

// Give makes the probe the values that the head starts with, trained or frozen. It must precede the programs that load the head: a store
// that holds it already keeps what it has.
func (p *Probe) Give(w *model.Weights) {
	w.Give(p.Head+".weight", p.Weight)
	if p.Bias != nil {
		w.Give(p.Head+".bias", p.Bias)
	}
}
