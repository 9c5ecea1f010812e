package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"luthier/data"
	"luthier/model"
	"luthier/train"
)

// fill answers texts with masks: the likeliest tokens at each mask.
func (a *app) fill(ctx context.Context, in *inputs, j *job, top int, args []string) error {
	if err := j.headThere(); err != nil {
		return err
	}
	mask := j.src.tok.Special().Mask
	switch {
	case mask < 0:
		return usage("--task mlm: this model's tokenizer names no mask_token: choose a masked language model")
	case top < 1:
		return usage("--top-k %d: want a number of at least 1", top)
	}
	d, err := a.maskTexts(in, j, args)
	if err != nil {
		return err
	}
	if err := j.src.typed(d); err != nil {
		return err
	}
	at, tokens, masks := make([][]int, len(d.seqs)), 0, 0
	for i, s := range d.seqs {
		for t, id := range s.IDs {
			if id == mask {
				at[i] = append(at[i], t)
			}
		}
		if len(at[i]) == 0 {
			return badData(fmt.Errorf("%s:%d: has no %s in its first %d tokens: there is nothing to fill", d.path, s.Line, j.src.tok.Decode([]int32{mask}, false), j.length))
		}
		tokens, masks = max(tokens, len(s.IDs)), max(masks, len(at[i]))
	}
	j.start(in.seed, tokens)
	j.engine.Budget = j.budget.bytes
	f, err := train.NewFiller(j.engine, tokens, masks)
	if err != nil {
		return err
	}
	if err := j.placed(); err != nil {
		return err
	}
	if err := j.headsKnown(); err != nil {
		return err
	}
	for i, s := range d.seqs {
		ps, err := f.Fill(ctx, s.IDs, s.TypeIDs, at[i])
		if err != nil {
			return err
		}
		a.filled(j, d.examples[i], ps, top)
	}
	return nil
}

// headThere refuses a model without an adapter that lacks the head, before its texts are looked at.
func (j *job) headThere() error {
	spec, _ := model.SpecOf(j.src.config.ModelType)
	for _, path := range spec.MaskedHead {
		if j.src.adapter == nil && !j.src.weights.FromFile(path+".weight") {
			return badData(fmt.Errorf("%s has no %s.weight: the %s head is untrained; give --adapter, or a model with that head", j.src.dir, path, j.task))
		}
	}
	return nil
}

// maskTexts reads texts as predict does, and those of JSON as training does.
func (a *app) maskTexts(in *inputs, j *job, args []string) (*dataset, error) {
	if in.data == "" || strings.HasSuffix(strings.ToLower(in.data), ".txt") {
		return a.texts(in, j, args)
	}
	d := &dataset{path: in.data}
	docs, _, err := data.LoadText(in.data, data.TextOptions{Column: in.textColumn})
	if err != nil {
		return nil, badData(err)
	}
	for _, x := range docs {
		d.examples = append(d.examples, data.Example{Text: x.Text, Line: x.Line})
	}
	_, err = in.encode(d, j.src.tok, j.task, j.length, nil)
	return d, badData(err)
}

// filled prints the likeliest words of each mask of a text.
func (a *app) filled(j *job, e data.Example, ps [][]float64, top int) {
	type word struct {
		Word        string  `json:"word"`
		ID          int32   `json:"id"`
		Probability float64 `json:"probability"`
	}
	var masks [][]word
	for _, p := range ps {
		var words []word
		for _, id := range likeliest(p, top) {
			words = append(words, word{strings.TrimSpace(j.src.tok.Decode([]int32{id}, false)), id, p[id]})
		}
		masks = append(masks, words)
	}
	if a.json {
		a.emit(map[string]any{"line": e.Line, "text": e.Text, "masks": masks})
		return
	}
	for _, words := range masks {
		var cells []string
		for _, w := range words {
			cells = append(cells, fmt.Sprintf("%s %.4f", w.Word, w.Probability))
		}
		a.say("%s\t%s", strings.Join(cells, "  "), e.Text)
	}
}

// likeliest are the n ids of the highest probability, the highest first; of equal ones the lower id.
func likeliest(p []float64, n int) []int32 {
	ids := make([]int32, len(p))
	for i := range ids {
		ids[i] = int32(i)
	}
	slices.SortStableFunc(ids, func(a, b int32) int {
		switch {
		case p[a] > p[b]:
			return -1
		case p[a] < p[b]:
			return 1
		}
		return 0
	})
	return ids[:min(n, len(ids))]
}
