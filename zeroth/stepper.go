package zeroth

import (
	"context"
	"encoding/hex"
	"fmt"

	"luthier/data"
	"luthier/graph"
	"luthier/train"
)

// Stepper trains with forward passes only. A step measures losses around the weights, writes what it found to the log, and adds the terms
// that follow from the log to the weights: no gradient, no activation kept, no state beside the weights.
type Stepper struct {
	LogPath  string                        // of the replay log; empty keeps it in memory only
	Header   Header                        // what the caller knows of model, method and data; Prepare fills in the rest
	Started  func(*Header, []Tensor) error // told of the weights before the first step, may be nil
	Forwards int                           // forward passes of a batch so far
	Plan     *graph.Plan

	e        *train.Engine
	o        Options
	rule     rule
	noise    graph.Noise
	together bool
	forwards map[train.Shape]*train.Forward
	update   *graph.Program
	leaves   []*graph.Node // trained leaves in every form in which programs hold them
	limits   []float32     // thresholds by tensor; nil: none

	log     *Writer
	records []Record
	found   []train.Result
	skipped int // in a row
	stopped error
}

// New makes the stepper; Prepare allocates.
func New(e *train.Engine, o Options) (*Stepper, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	e.Forward = true
	return &Stepper{e: e, o: o, rule: variants[o.Variant].rule(&o), forwards: map[train.Shape]*train.Forward{}}, nil
}

// Draft plans the forward pass of one batch shape without allocating: what a step needs beside the update, which needs less.
func (s *Stepper) Draft(shape train.Shape) (*graph.Draft, error) {
	d, _, err := s.draft(shape, s.o.Pairs == "together")
	return d, err
}

// draft numbers the trained tensors in the order of declaration, then plans with noise.
func (s *Stepper) draft(shape train.Shape, together bool) (*graph.Draft, *train.Forward, error) {
	if len(s.noise.Order) == 0 {
		if err := s.number(shape); err != nil {
			return nil, nil, err
		}
	}
	n := s.noise
	if n.Pair = together; together {
		shape.B *= 2
	}
	return s.e.DraftForward(shape, &n)
}

// number fills in the tensors of the header.
func (s *Stepper) number(shape train.Shape) error {
	_, f, err := s.e.DraftForward(shape, nil)
	if err != nil {
		return err
	}
	if len(f.Trained) == 0 {
		return fmt.Errorf("nothing is trained: the method matched no weight")
	}
	s.noise = graph.Noise{Kind: s.o.Noise.kind(), Sparse: s.o.Variant == "sparse-mezo", Order: map[string]int{}}
	s.Header.Tensors = nil
	for _, n := range f.Trained {
		name, shape := n.Weight()
		if _, ok := s.noise.Order[name]; ok {
			continue // kept in two forms
		}
		s.noise.Order[name] = len(s.noise.Order)
		s.Header.Tensors = append(s.Header.Tensors, TensorInfo{Name: name, Shape: [2]int{shape.Rows(), shape.Last()}, DType: n.DType.String()})
	}
	return nil
}

// Prepare plans all shapes, reserves memory for the largest and binds every program.
func (s *Stepper) Prepare(shapes []train.Shape) error {
	var err error
	if s.together, err = s.pairs(shapes); err != nil {
		return err
	}
	var plans []*graph.Plan
	type bound struct {
		shape train.Shape
		d     *graph.Draft
		f     *train.Forward
	}
	var all []bound
	add := func(shape train.Shape, pair bool) error {
		d, f, err := s.draft(shape, pair)
		if err != nil {
			return err
		}
		if pair {
			shape.B *= 2
		}
		all, plans = append(all, bound{shape, d, f}), append(plans, d.Plan)
		s.remember(f.Trained)
		if s.Plan == nil || d.Plan.Total() > s.Plan.Total() {
			s.Plan = d.Plan
		}
		return nil
	}
	for _, shape := range shapes {
		if s.together {
			if err := add(shape, true); err != nil {
				return err
			}
		}
		if !s.together || s.single() {
			if err := add(shape, false); err != nil {
				return err
			}
		}
	}
	bind, err := s.e.ReserveEvals(func(trained []*graph.Node) { s.remember(trained) })
	if err != nil {
		return err
	}
	plans = append(plans, bind.Plans...)
	update, err := s.updateDraft()
	if err != nil {
		return err
	}
	if err := s.e.Store.Reserve(append(plans, update.Plan)...); err != nil {
		return err
	}
	for _, b := range all {
		if err := b.f.Bind(b.d); err != nil {
			return err
		}
		s.forwards[b.shape] = b.f
	}
	if err := bind.Bind(); err != nil {
		return err
	}
	if s.update, err = update.Bind(s.e.Store); err != nil {
		return err
	}
	return nil
}

// single tells whether the rule measures single points beside pairs.
func (s *Stepper) single() bool { return s.o.OneSided || s.o.Variant == "mezo-conservative" }

// pairs settles --pairs: together costs activations of two batches and saves a pass over the weights.
func (s *Stepper) pairs(shapes []train.Shape) (bool, error) {
	if s.o.OneSided || len(shapes) == 0 || s.o.Pairs == "apart" {
		return false, nil
	}
	if s.o.Pairs == "together" {
		return true, nil
	}
	apart, _, err := s.draft(shapes[0], false)
	if err != nil {
		return false, err
	}
	both, _, err := s.draft(shapes[0], true)
	if err != nil {
		return false, nil // some method's vectors have no pairs
	}
	return float64(both.Plan.Total()) <= 1.05*float64(apart.Plan.Total()), nil
}

// remember collects the forms in which programs hold trained weights.
func (s *Stepper) remember(trained []*graph.Node) {
	for _, n := range trained {
		known := false
		for _, l := range s.leaves {
			known = known || l.Leaf().Name == n.Leaf().Name
		}
		if name, _ := n.Weight(); !known {
			if _, numbered := s.noise.Order[name]; numbered {
				s.leaves = append(s.leaves, n)
			}
		}
	}
}

// updateDraft is the program that adds one term to every trained weight.
func (s *Stepper) updateDraft() (*graph.Draft, error) {
	g := graph.New()
	for _, n := range s.leaves {
		graph.AddNoise(g.Again(n), &s.noise)
	}
	return graph.Prepare(g, s.e.Dev.Info(), s.e.Dev.Limits(), graph.Options{Forward: true})
}

// tensors are the trained weights as they are, by number.
func (s *Stepper) tensors(ctx context.Context) ([]Tensor, error) {
	out := make([]Tensor, len(s.Header.Tensors))
	for i, t := range s.Header.Tensors {
		raw, err := s.e.Store.Read(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		out[i] = TensorOf(t, raw)
		if s.limits != nil {
			out[i].Threshold = s.Header.Tensors[i].Threshold
		}
	}
	return out, nil
}

// start hashes the weights and opens the log. It is called before the first step.
func (s *Stepper) start(ctx context.Context) error {
	ts, err := s.tensors(ctx)
	if err != nil {
		return err
	}
	if s.noise.Sparse && s.o.Sparsity > 0 {
		s.limits = make([]float32, len(ts))
		for i := range ts {
			s.limits[i] = thresholdOf(&ts[i], s.o.Sparsity)
			v := float64(s.limits[i])
			s.Header.Tensors[i].Threshold = &v
		}
	}
	h := &s.Header
	sum := Hash(ts)
	h.Format, h.Start, h.Seed, h.Noise, h.HashEvery, h.Optimizer, h.Update = 1, hex.EncodeToString(sum[:]), s.o.Seed, s.o.Noise, s.o.HashSteps, s.o.Variant, s.o.update()
	if h.Noise == LowRank {
		h.Rank, h.Period = s.o.Rank, s.o.Period
	}
	settings, err := s.o.plain()
	if err != nil {
		return err
	}
	if h.Settings == nil {
		h.Settings = map[string]any{}
	}
	h.Settings["options"] = settings
	if s.Started != nil {
		if err := s.Started(h, ts); err != nil {
			return err
		}
	}
	if s.LogPath != "" && s.log == nil {
		s.log, err = Create(s.LogPath, *h)
	}
	return err
}

// Close closes the log.
func (s *Stepper) Close() error {
	if s.log == nil {
		return nil
	}
	return s.log.Close()
}

func unplanned(b *data.Batch) error {
	return fmt.Errorf("zeroth: a batch of %d x %d tokens was not planned for", b.B, b.T)
}
