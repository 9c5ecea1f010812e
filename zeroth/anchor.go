package zeroth

import (
	"context"

	"luthier/graph"
	"luthier/train"
)

// anchored tells whether the rule looks at losses at an anchor, a copy of the trained weights, too. One that is set anew in each step is
// not looked at.
func (s *Stepper) anchored() bool { return s.o.AnchorEvery > 1 }

// places are where losses are looked at: false for the weights, true for the anchor.
func (s *Stepper) places() []bool {
	if s.anchored() {
		return []bool{false, true}
	}
	return []bool{false}
}

// at are the forward programs of a place.
func (s *Stepper) at(anchor bool) map[train.Shape]*train.Forward {
	if anchor {
		return s.anchors
	}
	return s.forwards
}

// rememberStates collects the forms in which programs hold the anchor.
func (s *Stepper) rememberStates(f *train.Forward) {
	for _, n := range f.States {
		s.kept[n.Leaf().Name] = true
	}
}

// keepDraft is the program that makes the weights the anchor.
func (s *Stepper) keepDraft() (*graph.Draft, error) {
	g := graph.New()
	for _, n := range s.leaves {
		if s.kept[graph.AnchorPrefix+n.Leaf().Name] {
			x := g.Again(n)
			graph.CopyTo(g.Anchor(x), x)
		}
	}
	return graph.Prepare(g, s.e.Dev.Info(), s.e.Dev.Limits(), graph.Options{Forward: true})
}

// follow sets the anchor, if this step does, before the weights move.
func (s *Stepper) follow(ctx context.Context, step int) error {
	if s.keep == nil {
		return nil
	}
	if a := anchorOf(s.records, s.o.AnchorEvery); a == nil || a[0].Step != uint32(step) {
		return nil
	}
	return s.keep.Run(ctx)
}

// States are the anchor's tensors, where there is one: the log says everything else.
func (s *Stepper) States() (out []string) {
	if s.anchored() {
		for _, t := range s.Header.Tensors {
			out = append(out, graph.AnchorPrefix+t.Name)
		}
	}
	return out
}
