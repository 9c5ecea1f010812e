package zeroth

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"

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
	// Full gives the batches of the full-batch estimate of mezo-svrg, of shapes that Prepare was told; nil: those of the step alone. The same
	// step has the same batches, in a resumed run too.
	Full func(step int) ([]*data.Batch, error)

	e        *train.Engine
	o        Options
	rule     rule
	noise    graph.Noise
	together bool
	forwards map[train.Shape]*train.Forward
	update   *graph.Program
	leaves   []*graph.Node // trained leaves in every form in which programs hold them
	limits   []float32     // thresholds by tensor; nil: none

	anchors map[train.Shape]*train.Forward // as forwards, around the anchor
	kept    map[string]bool                // the anchor's states by name
	keep    *graph.Program                 // makes the weights the anchor; nil without one

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
	return &Stepper{e: e, o: o, rule: variants[o.Variant].rule(&o), forwards: map[train.Shape]*train.Forward{},
		anchors: map[train.Shape]*train.Forward{}, kept: map[string]bool{}}, nil
}

// Draft plans a step of one batch shape without allocating. The plan is that of the forward pass and of the update together; the graph is
// the forward pass.
func (s *Stepper) Draft(shape train.Shape) (*graph.Draft, error) {
	together, err := s.pairs([]train.Shape{shape})
	if err != nil {
		return nil, err
	}
	d, f, err := s.draft(shape, together, false)
	if err != nil {
		return nil, err
	}
	s.remember(f.Trained)
	if s.anchored() {
		anchor, f, err := s.draft(shape, together, true)
		if err != nil {
			return nil, err
		}
		s.rememberStates(f)
		d.Plan = d.Plan.Join(anchor.Plan)
	}
	update, err := s.updateDraft()
	if err != nil {
		return nil, err
	}
	d.Plan = d.Plan.Join(update.Plan)
	if together && s.single() {
		single, _, err := s.draft(shape, false, false)
		if err != nil {
			return nil, err
		}
		d.Plan = d.Plan.Join(single.Plan)
	}
	return d, nil
}

// draft numbers the trained tensors in the order of declaration, then plans with noise.
func (s *Stepper) draft(shape train.Shape, together, anchor bool) (*graph.Draft, *train.Forward, error) {
	if len(s.noise.Order) == 0 {
		if err := s.number(shape); err != nil {
			return nil, nil, err
		}
	}
	n := s.noise
	n.Anchor = anchor
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

// Prepare plans all shapes, reserves memory for the largest and binds every program. What drafts found out is found out again: values given
// since then, such as those of a linear probe, are f32 whatever the checkpoint has.
func (s *Stepper) Prepare(shapes []train.Shape) error {
	s.noise, s.leaves, s.kept = graph.Noise{}, nil, map[string]bool{}
	var err error
	if s.together, err = s.pairs(shapes); err != nil {
		return err
	}
	var plans []*graph.Plan
	type bound struct {
		shape  train.Shape
		anchor bool
		d      *graph.Draft
		f      *train.Forward
	}
	var all []bound
	add := func(shape train.Shape, pair, anchor bool) error {
		d, f, err := s.draft(shape, pair, anchor)
		if err != nil {
			return err
		}
		if pair {
			shape.B *= 2
		}
		all, plans = append(all, bound{shape, anchor, d, f}), append(plans, d.Plan)
		s.remember(f.Trained)
		s.rememberStates(f)
		return nil
	}
	for _, shape := range shapes {
		for _, anchor := range s.places() {
			if s.together {
				if err := add(shape, true, anchor); err != nil {
					return err
				}
			}
			if !s.together || s.single() {
				if err := add(shape, false, anchor); err != nil {
					return err
				}
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
	plans = append(plans, update.Plan)
	s.Plan = plans[0]
	for _, p := range plans[1:] {
		s.Plan = s.Plan.Join(p)
	}
	if err := s.e.Store.Reserve(plans...); err != nil {
		return err
	}
	for _, b := range all {
		if err := b.f.Bind(b.d); err != nil {
			return err
		}
		s.at(b.anchor)[b.shape] = b.f
	}
	if s.anchored() {
		keep, err := s.keepDraft()
		if err != nil {
			return err
		}
		if s.keep, err = keep.Bind(s.e.Store); err != nil {
			return err
		}
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
func (s *Stepper) single() bool {
	return s.o.OneSided || s.o.Variant == "mezo-conservative" || s.o.Variant == "hizoo"
}

// pairs settles --pairs: together costs activations of two batches and saves a pass over the weights.
func (s *Stepper) pairs(shapes []train.Shape) (bool, error) {
	if s.o.OneSided || len(shapes) == 0 || s.o.Pairs == "apart" {
		return false, nil
	}
	if s.o.Pairs == "together" {
		return true, nil
	}
	largest := slices.MaxFunc(shapes, func(a, b train.Shape) int { return cmp.Compare(a.B*a.T, b.B*b.T) })
	apart, _, err := s.draft(largest, false, false)
	if err != nil {
		return false, err
	}
	both, _, err := s.draft(largest, true, false)
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

// Programs are the forward pass of a batch shape and the update, for profiles; nil before Prepare. With pairs together the shape is that of
// both copies of a batch.
func (s *Stepper) Programs(shape train.Shape) (forward, update *graph.Program) {
	if f := s.forwards[shape]; f != nil {
		forward = f.Program
	}
	return forward, s.update
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
