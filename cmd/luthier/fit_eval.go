package main

import (
	"errors"
	"math"

	"luthier/backend"
	"luthier/data"
	"luthier/graph"
	"luthier/train"
)

// fitsAll checks a run: its largest batch of training, whose plan is given, and that of evaluation.
func (j *job) fitsAll(f stepper, s train.Shape, p *graph.Plan) error {
	if err := j.fits(f, s, p.Total()); err != nil {
		return err
	}
	return j.fitsEval(j.scorer, p, "--eval-batch-size")
}

// fitsEval checks the evaluation of a set's longest batch before anything is allocated. beside is the plan of the training that shares its
// weights and arenas, nil without one; the batch size is then that of flag.
func (j *job) fitsEval(l *data.Loader, beside *graph.Plan, flag string) error {
	if l == nil {
		return nil
	}
	per := l.BatchRows() / l.Options().BatchSize // sequences of a row of the file
	s := train.Shape{B: l.BatchRows(), T: l.MaxT()}
	want, limit, err := j.needEval(s, beside)
	if err != nil || want <= j.limit() {
		return err
	}
	largest, err := largestBatch(s.B/per-1, j.limit(), func(batch int) (int64, error) {
		n, _, err := j.needEval(train.Shape{B: batch * per, T: s.T}, beside)
		return n, err
	})
	if err != nil {
		return err
	}
	return &memoryError{want: want, have: j.budget.bytes, from: j.budget.from, batch: s.B, largest: largest, length: s.T, limit: limit, flag: flag}
}

// needEval plans the evaluation of one shape. What is beyond a limit of the adapter is beyond every memory, and limit says which.
func (j *job) needEval(s train.Shape, beside *graph.Plan) (bytes int64, limit *backend.LimitError, err error) {
	p, err := j.engine.EvalPlan(s)
	switch {
	case errors.As(err, &limit):
		return math.MaxInt64, limit, nil
	case err != nil:
		return 0, nil, err
	case beside == nil:
		return p.Total(), nil, nil
	}
	return beside.Total() + p.Persistent[graph.Inputs] + max(0, p.ArenaBytes()-beside.ArenaBytes()), nil, nil
}
