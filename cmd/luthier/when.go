package main

import (
	"math"
	"slices"
	"strings"

	"luthier/data"
	"luthier/optim"
	"luthier/train"
)

// configFile keeps the resolved settings in the output directory; --config takes it back.
const configFile = "run.yaml"

// strategies settles when to evaluate and save. A number of steps implies steps.
func (s *trainSettings) strategies() error {
	for _, x := range []struct {
		flag     string
		strategy *string
		steps    int
	}{{"eval", &s.evalStrategy, s.evalSteps}, {"save", &s.saveStrategy, s.saveSteps}} {
		v := strings.ToLower(*x.strategy)
		switch {
		case v == "" && x.steps > 0:
			v = "steps"
		case v == "":
			v = "epoch"
		case v == "best":
			return usage("--%s-strategy best: use --load-best, which saves each better checkpoint", x.flag)
		case v != "no" && v != "steps" && v != "epoch":
			return usage("--%s-strategy %q: want no, steps or epoch", x.flag, v)
		case v == "steps" && x.steps == 0:
			return usage("--%s-strategy steps: give --%s-steps", x.flag, x.flag)
		}
		*x.strategy = v
	}
	s.schedule = strings.ReplaceAll(strings.ToLower(s.schedule), "-", "_")
	if !slices.Contains(optim.Schedules, s.schedule) {
		s.schedule = strings.TrimSuffix(s.schedule, "_with_warmup")
	}
	if !slices.Contains(optim.Schedules, s.schedule) {
		return usage("--schedule %q: want %s", s.schedule, strings.Join(optim.Schedules, ", "))
	}
	return nil
}

// warmupNote tells who asks for a constant rate and a warm-up that transformers would give the rate alone; empty elsewhere.
func (s *trainSettings) warmupNote() string {
	if !strings.EqualFold(s.schedule, "constant") || !s.flags.Changed("schedule") || s.warmupSteps <= 0 && !(s.warmupRatio > 0) {
		return ""
	}
	return "--schedule constant begins with the warm-up that was given, where transformers' constant leaves it out: " +
		"constant_with_warmup says the same without this note; for none, leave --warmup-steps and --warmup-ratio out"
}

// options of the loop.
func (s *trainSettings) options() train.Options {
	o := train.Options{Epochs: s.epochs, MaxSteps: s.maxSteps, Accumulate: s.accumulate, LogSteps: s.logSteps, SaveLimit: s.saveLimit,
		Metric: s.metric, Greater: s.greater, Patience: s.patience, LoadBest: s.loadBest, Overwrite: s.overwrite,
		EvalEpoch: s.evalStrategy == "epoch", SaveEpoch: s.saveStrategy == "epoch"}
	if s.evalStrategy == "steps" {
		o.EvalSteps = s.evalSteps
	}
	if s.saveStrategy == "steps" {
		o.SaveSteps = s.saveSteps
	}
	if !s.flags.Changed("greater-is-better") {
		o.Greater = train.GreaterIsBetter(s.metric)
	}
	return o
}

// loop is what steps, without what it reports to and is known by.
func (s *trainSettings) loop(j *job, f stepper) *train.Loop {
	return &train.Loop{Engine: j.engine, Stepper: f, Train: j.loader, Eval: j.scorer, Options: s.options(), Dir: s.out,
		Schedule: optim.Schedule{Kind: s.schedule, Peak: s.lr, Warmup: s.warmup(j.loader)}}
}

// total is the number of optimizer steps of the run.
func (s *trainSettings) total(l *data.Loader) int {
	if s.maxSteps > 0 {
		return s.maxSteps
	}
	each := (l.Batches() + s.accumulate - 1) / s.accumulate
	return int(math.Ceil(s.epochs*float64(each) - 1e-9))
}

// warmup in steps; a share is rounded up, as in transformers.
func (s *trainSettings) warmup(l *data.Loader) int {
	if s.warmupRatio > 0 {
		return int(math.Ceil(s.warmupRatio * float64(s.total(l))))
	}
	return s.warmupSteps
}
