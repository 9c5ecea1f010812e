package main

import (
	"fmt"

	"luthier/data"
	"luthier/train"
)

// openJob opens a model with or without an adapter, for use and not for training.
func (a *app) openJob(in *inputs, path string) (*job, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	j := &job{}
	var err error
	if j.dev, j.budget, err = a.openDevice(); err != nil {
		return j, err
	}
	if j.src, err = openSource(in.model, in.adapter, true); err != nil {
		return j, err
	}
	if err = j.resolve(in, path); err != nil {
		return j, err
	}
	a.strangers(j.src)
	if j.src.adapter != nil {
		j.method = j.src.adapter.method
		if err = j.method.Setup(j.src.config, j.head()); err != nil {
			return j, badData(fmt.Errorf("%s: %w", in.adapter, err))
		}
	}
	return j, nil
}

// evaluator prepares the forward programs for every batch of a set, after the plan says that they fit.
func (j *job) evaluator(in *inputs, d *dataset) (*data.Loader, error) {
	if err := j.src.typed(d); err != nil {
		return nil, err
	}
	l, err := in.loader(d, j.src.tok, in.batchSize, false)
	if err != nil {
		return nil, err
	}
	j.start(in.seed, longest(l))
	j.engine.Masked = in.hiding.most
	if err := j.fitsEval(l, nil, "--batch-size"); err != nil {
		return nil, err
	}
	if err := j.engine.PrepareEval(train.ShapesOf(l, 0)); err != nil {
		return nil, err
	}
	return l, j.placed()
}

// placed refuses an adapter of which the model did not take everything.
func (j *job) placed() error {
	if j.src.adapter == nil {
		return nil
	}
	if rest := j.stray(j.engine.Trainable()); len(rest) > 0 {
		return badData(errStray(j, rest))
	}
	return nil
}

func errStray(j *job, rest []string) error {
	more := ""
	if len(rest) > 1 {
		more = fmt.Sprintf(" and %d more", len(rest)-1)
	}
	return fmt.Errorf("%s: tensor %s%s has no place in %s: is it the adapter of another model?", j.src.adapter.dir, rest[0], more, j.src.dir)
}
