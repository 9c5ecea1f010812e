package train

import (
	"context"
	"fmt"

	"luthier/data"
	"luthier/graph"
)

// Tensor is a value of one batch, read back from the device: f32, row-major.
type Tensor struct {
	Name  string
	Shape []int
	Data  []byte // little-endian
}

// Gradients are what a batch gives without dropout and before any update.
type Gradients struct {
	Loss   Tensor // [1]: mean over the batch's labels
	Logits Tensor // [B, labels], or [B, T, vocabulary] for language models
	Params []Tensor
}

// gradientsDraft is a program of one forward and backward pass that keeps every gradient.
type gradientsDraft struct {
	*graph.Draft
	loss, logits  *graph.Node
	params, grads []*graph.Node
}

// GradientsPlan is the plan of Gradients for one shape, all gradients kept. Nothing is allocated.
func (e *Engine) GradientsPlan(s Shape) (*graph.Plan, error) {
	d, err := e.gradientsDraft(s)
	if err != nil {
		return nil, err
	}
	return d.Plan, nil
}

func (e *Engine) gradientsDraft(s Shape) (*gradientsDraft, error) {
	g := graph.New()
	b := e.builder(g, s, false)
	b.Tables = true // tables may be trained here, with dropout off
	out, err := b.Loss(e.Task, e.Labels, 0)
	if err != nil {
		return nil, err
	}
	e.Sites = b.Sites
	d := &gradientsDraft{loss: out.Loss, logits: out.Logits}
	var all []*graph.Node
	for _, n := range g.Leaves() {
		if n.Leaf().Kind == graph.Trainable {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing is trained: the method matched no weight")
	}
	for i, n := range g.Grad(out.Loss, all) {
		if n != nil { // nil: the loss does not depend on it
			d.params, d.grads = append(d.params, all[i]), append(d.grads, n)
		}
	}
	g.Output(d.loss)
	g.Output(d.grads...)
	if d.logits != nil {
		g.Output(d.logits)
	}
	e.remember(g)
	d.Draft, err = e.prepare(g, e.options())
	return d, err
}

// Gradients computes loss, logits, and the gradient of the loss for every trained tensor that it depends on, in order of declaration, on one
// batch. It allocates on the device and keeps what it allocated until Close.
func (e *Engine) Gradients(ctx context.Context, b *data.Batch) (*Gradients, error) {
	d, err := e.gradientsDraft(Shape{b.B, b.T})
	if err != nil {
		return nil, err
	}
	n := e.labels(b)
	if n == 0 {
		return nil, fmt.Errorf("none of the %d rows has a label", b.Rows)
	}
	p, err := e.ran(ctx, d.Draft, b, 1/float64(n))
	if err != nil {
		return nil, err
	}
	out := &Gradients{}
	if out.Loss, err = tensorOf(ctx, p, "loss", d.loss); err != nil {
		return nil, err
	}
	if d.logits != nil {
		if out.Logits, err = tensorOf(ctx, p, "logits", d.logits); err != nil {
			return nil, err
		}
	}
	for i, x := range d.params {
		t, err := tensorOf(ctx, p, x.Leaf().Name, d.grads[i])
		if err != nil {
			return nil, err
		}
		out.Params = append(out.Params, t)
	}
	if d.logits == nil {
		out.Logits, err = e.allLogits(ctx, b)
	}
	return out, err
}

// allLogits are a language model's at every position; training has no such value.
func (e *Engine) allLogits(ctx context.Context, b *data.Batch) (Tensor, error) {
	g := graph.New()
	logits, err := e.builder(g, Shape{b.B, b.T}, false).Logits(b.B * b.T)
	if err != nil {
		return Tensor{}, err
	}
	g.Output(logits)
	d, err := e.prepare(g, graph.Options{})
	if err != nil {
		return Tensor{}, err
	}
	p, err := e.ran(ctx, d, b, 1)
	if err != nil {
		return Tensor{}, err
	}
	t, err := tensorOf(ctx, p, "logits", logits)
	t.Shape = []int{b.B, b.T, e.Config.Vocab}
	return t, err
}

// ran binds a program and runs it once on a batch.
func (e *Engine) ran(ctx context.Context, d *graph.Draft, b *data.Batch, scale float64) (*graph.Program, error) {
	p, err := d.Bind(e.Store)
	if err != nil {
		return nil, err
	}
	if err := e.Feed(p, b, scale); err != nil {
		return nil, err
	}
	pick := make([]int32, b.B*b.T)
	for i := range pick {
		pick[i] = int32(i)
	}
	if p.Wants("pick") {
		if err := p.Write("pick", words(pick)); err != nil {
			return nil, err
		}
	}
	return p, p.Run(ctx)
}

func tensorOf(ctx context.Context, p *graph.Program, name string, n *graph.Node) (Tensor, error) {
	raw, err := p.Read(ctx, n)
	return Tensor{Name: name, Shape: n.Shape, Data: raw}, err
}
