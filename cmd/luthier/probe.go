package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"luthier/model"
	"luthier/train"
)

// probe starts the head from a linear probe where --linear-probe asks for it: before the training's memory is reserved, so that the two
// never lie on the device together. A resumed run has its head from the checkpoint.
func (a *app) probe(ctx context.Context, s *trainSettings, j *job, d *drafted) error {
	if !s.probe {
		return nil
	}
	if err := probeFits(s, j, d); err != nil {
		return err
	}
	if s.resume != "" {
		a.say("probe:    not again: the head comes from the run that goes on")
		if path := filepath.Join(s.out, startFile); a.forward() && exists(s.out, startFile) {
			return j.giveStart(path)
		}
		return nil
	}
	p, f, took, err := a.fitHead(ctx, s, j)
	if ctx.Err() != nil {
		return s.interrupted(train.ErrInterrupted)
	}
	if err != nil {
		return err
	}
	p.Give(j.src.weights)
	if a.json {
		a.emit(map[string]any{"event": "probe", "head": p.Head, "rows": f.Rows(), "features": f.Size, "classes": f.Outputs, "l2": s.probeL2,
			"loss": p.Loss, "accuracy": p.Accuracy, "steps": p.Steps, "converged": p.Converged, "seconds": took.Seconds()})
	} else {
		a.say("probe:    %s starts from %d x %d features: training accuracy %.4f, loss %.4f (%d steps of L-BFGS, %s in all)", p.Head, f.Rows(), f.Size,
			p.Accuracy, p.Loss, p.Steps, took.Round(100*time.Millisecond))
	}
	if !p.Converged {
		a.warn("--linear-probe: the fit stopped short of its optimum, at a slope of %.1g: a larger --linear-probe-l2 is easier", p.Slope)
	}
	return nil
}

// probeFits refuses a probe that the run has no use for. The batch has been planned.
func probeFits(s *trainSettings, j *job, d *drafted) error {
	head := headPath(j.engine.Sites)
	switch {
	case !s.probe:
		return nil
	case j.task != model.Classify:
		return usage("--linear-probe: a %s run has no head of classes: leave it out", j.task)
	case !(s.probeL2 > 0) || math.IsInf(s.probeL2, 1):
		return usage("--linear-probe-l2 %g: want a positive number: without a penalty separable data has no best head", s.probeL2)
	case d.shapes[head+".weight"] == nil:
		return usage("--linear-probe: --method %s leaves %s frozen and so would not save it: train it too (%s), or leave --linear-probe out",
			j.method.Name(), head, headFlag(j, head))
	}
	return nil
}

// fitHead runs the model over the training data, in the order of evaluation, and fits its head.
func (a *app) fitHead(ctx context.Context, s *trainSettings, j *job) (*train.Probe, *train.Features, time.Duration, error) {
	began := time.Now()
	l, err := s.loader(j.train, j.src.tok, s.batchSize, false)
	if err != nil {
		return nil, nil, 0, err
	}
	line := a.live(l.Batches(), "features for the linear probe")
	f, err := j.engine.HeadFeatures(ctx, l, line.at)
	line.end()
	if err != nil {
		return nil, nil, 0, err
	}
	p, err := train.FitProbe(ctx, f, s.probeL2)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("%s: %w", j.train.path, err)
	}
	return p, f, time.Since(began), nil
}

// headPath is the module that makes the logits: the last linear layer built.
func headPath(sites []model.Site) (path string) {
	for _, s := range sites {
		if s.Kind == model.Linear {
			path = s.Path
		}
	}
	return path
}

// headFlag is what makes the method train the head.
func headFlag(j *job, head string) string {
	if j.method.Config() == nil {
		return "--train-only ...," + head
	}
	return "--modules-to-save " + head
}
