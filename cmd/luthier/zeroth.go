package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"luthier/data"
	"luthier/graph"
	"luthier/optim"
	"luthier/peft"
	"luthier/train"
	"luthier/zeroth"
)

// replayLog is the file of a forward-only run in its output directory.
const replayLog = "replay.log"

// stepper is what trains, with gradients or without, as the command line sees it.
type stepper interface {
	train.Stepper
	Draft(s train.Shape) (*graph.Draft, error)
}

// optimizer is what --optim chose: an update by gradients, or forward passes only.
type optimizer interface {
	Name() string
	Flags(f *pflag.FlagSet)
}

// newOptimizer finds the optimizer of that name.
func newOptimizer(name string) (optimizer, error) {
	if _, ok := zeroth.VariantOf(name); ok {
		o, err := zeroth.Defaults(name)
		return &forwardOnly{o}, err
	}
	o, err := optim.New(name)
	if err != nil {
		return nil, fmt.Errorf("optimizer %q is not known: have %s, and without gradients %s", name, strings.Join(optim.Names(), ", "),
			strings.Join(zeroth.Variants(), ", "))
	}
	return o, nil
}

// optimizerNames lists all, for help and for the owners of flags.
func optimizerNames() []string { return append(optim.Names(), zeroth.Variants()...) }

// forwardOnly is an optimizer of package zeroth with its settings.
type forwardOnly struct{ o zeroth.Options }

// Name is the variant's.
func (f *forwardOnly) Name() string { return f.o.Variant }

// Flags adds what the variant takes.
func (f *forwardOnly) Flags(s *pflag.FlagSet) { f.o.Flags(s) }

// stepper makes what trains.
func (a *app) stepper(j *job, s *trainSettings) (stepper, error) {
	switch o := a.choice.optimizer.(type) {
	case *forwardOnly:
		return j.forwardStepper(o.o, s)
	case optim.Optimizer:
		return train.NewFirstOrder(j.engine, o, train.FirstOrderOptions{MaxGradNorm: s.maxGradNorm, Accumulate: s.accumulate, Seed: s.seeds.dropout.or(s.seed)}), nil
	}
	return nil, fmt.Errorf("optimizer %s is of no kind", a.choice.optimizer.Name())
}

// forward tells whether the run takes no gradients.
func (a *app) forward() bool {
	_, ok := a.choice.optimizer.(*forwardOnly)
	return ok
}

func (j *job) forwardStepper(o zeroth.Options, s *trainSettings) (*zeroth.Stepper, error) {
	o.Seed = s.seed
	switch {
	case s.recompute:
		return nil, usage("--recompute: %s keeps no activations", o.Variant)
	case s.smoothing != 0:
		return nil, usage("--label-smoothing: %s measures the loss itself", o.Variant)
	case s.seeds.dropout.given:
		return nil, usage("--dropout-seed: %s has no dropout", o.Variant)
	case s.flags.Changed("max-grad-norm"):
		return nil, usage("--max-grad-norm: %s has no gradient to clip", o.Variant)
	}
	if err := s.checkStorage(o.Variant); err != nil {
		return nil, err
	}
	if !slices.Contains(j.engine.MetricNames(), o.Objective) {
		return nil, usage("--objective %s: a %s run measures %s", o.Objective, j.task, strings.Join(j.engine.MetricNames(), ", "))
	}
	z, err := zeroth.New(j.engine, o)
	if err != nil {
		return nil, usage("%v", err)
	}
	z.Header = zeroth.Header{Version: version, Model: filepath.Base(j.src.dir), Method: j.method.Name()}
	z.Header.Settings = map[string]any{"adapter_config": j.method.Config(), "record": j.record(j.length)}
	if f, ok := j.method.(*peft.Full); ok {
		z.Header.Settings["train_only"] = f.Only
	}
	if init := s.seeds.init.or(s.seed); init != s.seed { // the header's own seed is that of the directions
		z.Header.Settings["init_seed"] = strconv.FormatUint(init, 10)
	}
	if o.AnchorEvery > 0 && j.train != nil {
		z.Full = j.fullBatches(o.AnchorEvery, o.AnchorBatches)
	}
	z.Started = func(h *zeroth.Header, ts []zeroth.Tensor) error { return j.writeStart(s.out, ts) }
	return z, nil
}

// fullBatches gives the batches of an estimate at an anchor: n of the training set in the order of its first epoch, each anchor's where the
// last one's ended, or with 0 all of them.
func (j *job) fullBatches(every, n int) func(step int) ([]*data.Batch, error) {
	return func(step int) ([]*data.Batch, error) {
		l, err := data.NewLoader(j.train.seqs, j.loader.Options())
		if err != nil {
			return nil, err
		}
		count := l.Batches()
		if n > 0 {
			count = min(n, count)
		}
		if err := l.Seek(data.Cursor{Next: (step - 1) / every * count % l.Batches()}); err != nil {
			return nil, err
		}
		var out []*data.Batch
		for len(out) < count {
			b, more := l.Next()
			if more {
				out = append(out, b)
			} else if err := l.Seek(data.Cursor{}); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// openLog tells a forward-only stepper where its log goes and what it says of the run. A fresh run that may replace another removes the
// other's log, whatever trains: it would be taken for this run's. The loop is prepared: a run that does not fit removes nothing.
func (s *trainSettings) openLog(l *train.Loop, f stepper) error {
	if z, ok := f.(*zeroth.Stepper); ok {
		marks, err := l.Marks()
		if err != nil {
			return err
		}
		z.LogPath, z.Header.Settings["run"] = filepath.Join(s.out, replayLog), marks
		z.Header.Fingerprint, z.Header.Data = l.Identity.Model, l.Identity.Data
	}
	if s.resume != "" || !s.overwrite {
		return nil
	}
	for _, name := range []string{replayLog, startFile} {
		if err := os.Remove(filepath.Join(s.out, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// lrOf is the learning rate where none was given: the papers' for adapters and for all weights, which bear a tenth of it, with gradients and
// without.
func lrOf(c choice) float64 {
	_, forward := c.optimizer.(*forwardOnly)
	_, full := c.method.(*peft.Full)
	switch {
	case forward && full:
		return 1e-6
	case forward:
		return 5e-5
	case full:
		return 2e-5
	}
	return 2e-4
}

// scheduleOf is the schedule where none was given.
func scheduleOf(c choice) string {
	if _, ok := c.optimizer.(*forwardOnly); ok {
		return "constant"
	}
	return "linear"
}

// resumeFromLog resumes a run without gradients that saved no checkpoint: its log says everything. without is what to say where there is none.
func (a *app) resumeFromLog(ctx context.Context, l *train.Loop, f stepper, force bool, without error) error {
	z, ok := f.(*zeroth.Stepper)
	if !ok {
		return without
	}
	if _, err := os.Stat(z.LogPath); err != nil {
		return without
	}
	step, err := z.Restore(ctx, func(h *zeroth.Header) error { return l.Match(z.LogPath, h.Settings["run"], force) })
	if err != nil {
		return &codeError{exitCheckpoint, err}
	}
	a.say("resume:   no checkpoint, so %d steps were replayed from %s", step, z.LogPath)
	return l.ResumeAt(step)
}
