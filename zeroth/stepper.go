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

// tensors are the trained weights as they are, by number.
func (s *Stepper) tensors(ctx context.Context) ([]Tensor, error) {
	out := make([]Tensor, len(s.Header.Tensors))
	for i, t := range s.Header.Tensors {
		raw, err := s.e.Store.Read(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		out[i] = TensorOf(t, raw)
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
		for i := range ts {
			v := float64(thresholdOf(&ts[i], s.o.Sparsity))
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
