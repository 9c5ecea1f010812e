package main

import (
	"strings"

	"github.com/spf13/pflag"

	"luthier/optim"
)

// set makes a flag set that knows every name of a setting.
func set(add func(f *pflag.FlagSet)) *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetNormalizeFunc(normalize)
	add(f)
	return f
}

// trainSettings are what train and plan are told.
type trainSettings struct {
	inputs
	flags        *pflag.FlagSet // all of the command, once parsed
	out          string
	lr           float64
	epochs       float64
	maxSteps     int
	accumulate   int
	schedule     string
	warmupSteps  int
	warmupRatio  float64
	maxGradNorm  float64
	smoothing    float64
	optim        string
	recipe       string
	method       string
	probe        bool
	probeL2      float64
	recompute    bool
	logSteps     int
	reportTo     string
	evalStrategy string
	evalSteps    int
	saveStrategy string
	saveSteps    int
	saveLimit    int
	loadBest     bool
	metric       string
	greater      bool
	patience     int
	resume       string
	force        bool
	overwrite    bool
	dumpGraph    string
	config       string
	dryRun       bool
	shape        string // of plan: a model that is not on disk
}

// methodFlags choose what is trained and how.
func (s *trainSettings) methodFlags(c choice) *pflag.FlagSet {
	return set(func(f *pflag.FlagSet) {
		f.StringVar(&s.method, "method", "lora", "fine-tuning method: luthier methods lists them")
		f.StringVar(&s.initAdapter, "init-adapter", "", "start from the adapter in this directory, head included")
		f.BoolVar(&s.probe, "linear-probe", false, "classification: start the head from a logistic regression on the features of the model as it starts")
		f.Float64Var(&s.probeL2, "linear-probe-l2", 1, "its L2 penalty beside the summed loss (scikit-learn's 1/C)")
		c.method.Flags(f)
	})
}

func (s *trainSettings) optimFlags(c choice) *pflag.FlagSet {
	return set(func(f *pflag.FlagSet) {
		f.StringVar(&s.recipe, "recipe", "", "defaults of a paper for what is not given: "+strings.Join(optim.Recipes(), ", "))
		f.Float64Var(&s.lr, "lr", lrOf(c), "peak learning rate")
		f.Float64Var(&s.epochs, "epochs", 3, "passes over the training data")
		f.IntVar(&s.maxSteps, "max-steps", 0, "optimizer steps, instead of epochs")
		f.IntVar(&s.accumulate, "accumulate", 1, "batches whose gradients add up to one step")
		f.StringVar(&s.schedule, "schedule", scheduleOf(c), "learning rate after the warm-up: "+strings.Join(optim.Schedules, ", "))
		f.IntVar(&s.warmupSteps, "warmup-steps", 0, "steps from 0 to the peak")
		f.Float64Var(&s.warmupRatio, "warmup-ratio", 0, "the same as a share of all steps")
		f.Float64Var(&s.maxGradNorm, "max-grad-norm", 1, "clip gradients to this global norm; 0 for never")
		f.Float64Var(&s.smoothing, "label-smoothing", 0, "label smoothing of the training loss")
		f.BoolVar(&s.recompute, "recompute", false, "keep no activations inside layers and run their forward again: less memory, more time")
		f.StringVar(&s.optim, "optim", "adamw", "optimizer: "+strings.Join(optimizerNames(), ", "))
		c.optimizer.Flags(f)
	})
}

func (s *trainSettings) runFlags() *pflag.FlagSet {
	return set(func(f *pflag.FlagSet) {
		f.StringVar(&s.out, "out", "", "output directory")
		s.seeds.flags(f)
		f.IntVar(&s.logSteps, "log-steps", 10, "log each so many steps")
		f.StringVar(&s.reportTo, "report-to", "none", "beside metrics.jsonl: tensorboard (event files in runs/ of --out), or none")
		f.StringVar(&s.evalStrategy, "eval-strategy", "", "when to evaluate: no, steps, epoch (default: epoch where there is --eval-data)")
		f.IntVar(&s.evalSteps, "eval-steps", 0, "evaluate each so many steps")
		f.StringVar(&s.saveStrategy, "save-strategy", "", "when to save a checkpoint: no, steps, epoch (default: epoch)")
		f.IntVar(&s.saveSteps, "save-steps", 0, "save each so many steps")
		f.IntVar(&s.saveLimit, "save-total-limit", 2, "checkpoints to keep, the best among them; 0 for all")
		f.BoolVar(&s.loadBest, "load-best", false, "end with the best checkpoint instead of the last")
		f.StringVar(&s.metric, "metric", "", "metric that chooses the best: loss, accuracy, f1, matthews_correlation, perplexity, ... (default: loss)")
		f.BoolVar(&s.greater, "greater-is-better", false, "a larger metric is better (default: known from the metric)")
		f.IntVar(&s.patience, "patience", 0, "stop after so many evaluations in a row without a better one; 0 for never")
		f.StringVar(&s.resume, "resume", "", "go on from a checkpoint: a directory, or the latest in --out")
		f.Lookup("resume").NoOptDefVal = "latest"
		f.BoolVar(&s.force, "force", false, "resume although settings, model or data differ")
		f.BoolVar(&s.overwrite, "overwrite", false, "replace the run that --out holds")
		f.StringVar(&s.dumpGraph, "dump-graph", "", "write the graph after each pass, the memory plan and the dispatches to this directory")
		f.StringVar(&s.config, "config", "", "YAML file with the same settings; flags win")
		f.BoolVar(&s.dryRun, "dry-run", false, "check everything that needs no device, print the settings as the model and the data settle them, and stop")
	})
}
