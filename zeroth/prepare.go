package zeroth

import (
	"cmp"
	"fmt"
	"slices"

	"luthier/graph"
	"luthier/train"
)

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
	s.noise = graph.Noise{Kind: s.o.Noise.kind(), Sparse: variants[s.o.Variant].sparse, Order: map[string]int{}}
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
	return s.o.OneSided || variants[s.o.Variant].single
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
