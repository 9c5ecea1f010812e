package train

import (
	"context"
	"fmt"

	"luthier/backend"
	"luthier/data"
	"luthier/graph"
	"luthier/model"
)

// Filler names the masked tokens of texts, one text at a time.
type Filler struct {
	e      *Engine
	t, n   int // tokens and masks of a text at most
	p      *graph.Program
	logits *graph.Node
}

// NewFiller plans for texts of up to tokens ids with up to masks masks, and allocates.
func NewFiller(e *Engine, tokens, masks int) (*Filler, error) {
	if e.Task != model.MaskedLM {
		return nil, &OptionError{fmt.Errorf("task %s: only a masked language model fills masks", e.Task)}
	}
	f := &Filler{e: e, t: data.Bucket(tokens), n: masks}
	g := graph.New()
	var err error
	if f.logits, err = e.builder(g, Shape{1, f.t}, false).Logits(f.n); err != nil {
		return nil, err
	}
	g.Output(f.logits)
	d, err := e.prepare(g, graph.Options{Trace: e.Trace})
	if err != nil {
		return nil, err
	}
	if e.Budget > 0 && d.Plan.Total() > e.Budget {
		return nil, fmt.Errorf("%w: a text of %d tokens with %d masks takes %d bytes, there are %d: shorten it", backend.ErrOutOfMemory, tokens, masks,
			d.Plan.Total(), e.Budget)
	}
	if err := e.Store.Reserve(d.Plan); err != nil {
		return nil, err
	}
	f.p, err = d.Bind(e.Store)
	return f, err
}

// Fill gives the probabilities of every token of the vocabulary at each of the given positions of ids, which are all different.
func (f *Filler) Fill(ctx context.Context, ids, typeIDs []int32, at []int) ([][]float64, error) {
	if len(ids) > f.t || len(at) > f.n {
		return nil, fmt.Errorf("fill: %d tokens and %d masks, planned for %d and %d", len(ids), len(at), f.t, f.n)
	}
	b := data.NewBatch([]*data.Sequence{{IDs: ids, TypeIDs: typeIDs, Class: data.Ignore}}, 1, ids[0], false)
	if b.T < f.t { // NewBatch's own bucket is that of this text
		pad := make([]int32, f.t-b.T)
		b.IDs, b.TypeIDs, b.Mask, b.T = append(b.IDs, pad...), append(b.TypeIDs, pad...), append(b.Mask, pad...), f.t
	}
	pick, taken := make([]int32, 0, f.n), map[int]bool{}
	for _, i := range at {
		pick, taken[i] = append(pick, int32(i)), true
	}
	for i := 0; len(pick) < f.n; i++ { // the program wants n rows, all different
		if !taken[i] {
			pick = append(pick, int32(i))
		}
	}
	for name, x := range map[string][]int32{"input_ids": b.IDs, "token_type_ids": b.TypeIDs, "attention_mask": b.Mask,
		"position_ids": Positions(b, f.e.Config.MaxPositions), "pick": pick} {
		if err := f.p.Write(name, words(x)); err != nil {
			return nil, err
		}
	}
	if err := f.p.Run(ctx); err != nil {
		return nil, err
	}
	raw, err := f.p.Read(ctx, f.logits)
	if err != nil {
		return nil, err
	}
	all, v := floats(raw), f.logits.Shape.Last()
	var out [][]float64
	for i := range at {
		row := all[i*v : (i+1)*v]
		for id, x := range row {
			if !finite(float64(x)) {
				return nil, &DivergedError{Tensor: fmt.Sprintf("the logit of token %d", id)}
			}
		}
		out = append(out, softmax(row))
	}
	return out, nil
}
