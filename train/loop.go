package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"luthier/data"
	"luthier/optim"
)

// Loop trains: steps, logs, evaluations and checkpoints. Set the fields, then call Prepare, Resume where wanted, and Run. It prints nothing.
//
// The caller holds the lock of Dir (atomicfile.LockDir), and writes the final adapter from the engine after Run returned nil.
type Loop struct {
	Engine   *Engine
	Stepper  Stepper
	Train    *data.Loader
	Eval     *data.Loader   // nil for no evaluation; its order does not matter
	Schedule optim.Schedule // Prepare fills in Total
	Report   Reporter       // nil for Silent
	Options

	Dir      string                 // output directory, made if missing: checkpoint-N/, metrics.jsonl, loss.svg, trainer_state.json; empty writes nothing
	Identity Identity               // what a checkpoint must match to be resumed
	Adapter  func(dir string) error // adds the adapter's files to a checkpoint being written; may be nil

	plan    Plan
	ready   bool
	resumed bool
	unsaved bool // and there is no checkpoint of where it was resumed
	session session
	p       progress
	history []map[string]any // of trainer_state.json
}

// Options say when a Loop does what. Steps are optimizer steps.
type Options struct {
	Epochs     float64 // of training data; ignored where MaxSteps is given
	MaxSteps   int
	Accumulate int // micro-batches a step, as the Stepper was made for; 0 for 1

	LogSteps  int  // a line of metrics each so many steps; 0 for 10
	EvalSteps int  // evaluation each so many steps
	EvalEpoch bool // and at the end of each epoch, and of a run that ends inside one
	SaveSteps int  // a checkpoint each so many steps, and at the end
	SaveEpoch bool // and at the end of each epoch

	SaveLimit int    // checkpoints to keep, the best among them; 0 for all
	Metric    string // metric_for_best_model, one of MetricNames; "" for loss. "eval_" may stand before it
	Greater   bool   // greater_is_better; see GreaterIsBetter
	Patience  int    // stop after so many evaluations in a row without a better one; 0 for never
	LoadBest  bool   // load_best_model_at_end: a better evaluation saves, and the end loads the best
	Overwrite bool   // a fresh run removes the checkpoints in Dir; else it refuses them
}

// Identity is what the caller knows of a run beyond the loop's own settings.
type Identity struct {
	Version  string         // of luthier
	Model    string         // fingerprint of the weights
	Data     string         // of the training data
	EvalData string         // of the evaluation data; empty where it is not known: its evaluations are then taken for those of before
	Kernels  string         // name of the kernel table in use
	Settings map[string]any // what changes the maths beyond what Loop and Stepper know: the method, lengths; plain JSON values
}

// Prepare checks the options, plans every batch shape of the run and allocates.
func (l *Loop) Prepare() error {
	if err := l.Check(); err != nil {
		return err
	}
	if l.Eval != nil {
		l.Engine.Evals = ShapesOf(l.Eval, 0)
	}
	if err := l.Stepper.Prepare(l.plan.Shapes); err != nil {
		return err
	}
	l.ready = true
	return nil
}

// Check refuses settings that cannot be, alone or together, as an *OptionError, and settles how long the run is. It asks nothing of the
// device.
func (l *Loop) Check() error {
	if l.Report == nil {
		l.Report = Silent{}
	}
	if l.LogSteps == 0 {
		l.LogSteps = 10
	}
	l.Accumulate = max(1, l.Accumulate)
	l.Metric = metricName(l.Metric)
	if err := l.check(); err != nil {
		return &OptionError{err}
	}
	each := (l.Train.Batches() + l.Accumulate - 1) / l.Accumulate
	total := l.MaxSteps
	if total == 0 {
		total = int(math.Ceil(l.Epochs*float64(each) - 1e-9))
	}
	l.Schedule.Total = total
	if err := l.Schedule.Check(); err != nil {
		return &OptionError{err}
	}
	l.plan = Plan{Steps: total, StepsPerEpoch: each, Epochs: float64(total) / float64(each), BatchSize: l.Train.Options().BatchSize,
		Accumulate: l.Accumulate, Shapes: l.shapes(total, each)}
	return nil
}

// shapes are those of every epoch of training, the largest first: shuffling decides which rows share a batch and so how long it is.
func (l *Loop) shapes(total, each int) []Shape {
	seen := map[Shape]bool{}
	var out []Shape
	for epoch := range (total + each - 1) / each {
		for _, s := range ShapesOf(l.Train, epoch) {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b Shape) int { return b.T - a.T })
	return out
}

func (l *Loop) check() error {
	o := l.Options
	for _, f := range []struct {
		name string
		v    int
	}{{"max-steps", o.MaxSteps}, {"log-steps", o.LogSteps}, {"eval-steps", o.EvalSteps}, {"save-steps", o.SaveSteps},
		{"save-total-limit", o.SaveLimit}, {"patience", o.Patience}} {
		if f.v < 0 {
			return fmt.Errorf("--%s %d: want a number of at least 0", f.name, f.v)
		}
	}
	evaluates := l.evaluates()
	switch {
	case o.MaxSteps == 0 && !(o.Epochs > 0 && o.Epochs <= 1e6):
		return fmt.Errorf("--epochs %g: want a positive number, or --max-steps", o.Epochs)
	case o.Patience > 0 && !evaluates:
		return fmt.Errorf("--patience %d: nothing is evaluated: give evaluation data and --eval-steps", o.Patience)
	case o.LoadBest && !evaluates:
		return fmt.Errorf("--load-best: nothing is evaluated: give evaluation data and --eval-steps")
	case o.LoadBest && l.Dir == "":
		return fmt.Errorf("--load-best: the best must be saved: give --out")
	case !slices.Contains(l.Engine.MetricNames(), o.Metric):
		return fmt.Errorf("--metric %s: a %s run measures %s", o.Metric, l.Engine.Task, strings.Join(l.Engine.MetricNames(), ", "))
	}
	return nil
}

func (l *Loop) evaluates() bool { return l.Eval != nil && (l.EvalSteps > 0 || l.EvalEpoch) }

// Plan is what Prepare found out.
func (l *Loop) Plan() Plan { return l.plan }

// epoch at the end of a step, as a fraction.
func (l *Loop) epoch(step int) float64 {
	whole, rest := step/l.plan.StepsPerEpoch, step%l.plan.StepsPerEpoch
	return float64(whole) + float64(rest*l.Accumulate)/float64(l.Train.Batches())
}

func due(step, each, perEpoch int, epochEnd bool) bool {
	return each > 0 && step%each == 0 || epochEnd && step%perEpoch == 0
}

// evalDue is true at the end of a run that evaluates by the epoch, wherever in one it ends: as in transformers' Trainer, what came out is
// measured.
func (l *Loop) evalDue(step int) bool {
	return l.Eval != nil && (due(step, l.EvalSteps, l.plan.StepsPerEpoch, l.EvalEpoch) || l.EvalEpoch && step == l.plan.Steps)
}

// saveDue is true at the last step of a run that saves at all: what came out can be trained further.
func (l *Loop) saveDue(step int) bool {
	return l.saves() && (due(step, l.SaveSteps, l.plan.StepsPerEpoch, l.SaveEpoch) || step == l.plan.Steps)
}

func (l *Loop) saves() bool { return l.Dir != "" && (l.SaveSteps > 0 || l.SaveEpoch) }

// stopped tells whether patience has run out.
func (l *Loop) stopped() bool { return l.Patience > 0 && l.p.Worse >= l.Patience }
