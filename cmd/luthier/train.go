package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"luthier/data"
	"luthier/internal/atomicfile"
	"luthier/optim"
	"luthier/train"
)

func (a *app) trainCmd() *cobra.Command {
	s := &trainSettings{}
	c := &cobra.Command{
		Use:     "train",
		Aliases: []string{"sft", "finetune"},
		Short:   "Fine-tune a model on a data file",
		Example: "  luthier train --model MODEL --data train.tsv --eval-data dev.tsv --out my-adapter",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s.flags = c.Flags()
			if err := applyConfig(s.config, s.flags, c.Name()); err != nil {
				return err
			}
			if s.dryRun {
				_, err := a.out.Write(resolved(s.flags))
				return err
			}
			return a.train(c.Context(), s)
		},
	}
	grouped(c, group{"Model", s.modelFlags()}, group{"Data", s.trainDataFlags()}, group{"Method " + a.choice.method.Name(), s.methodFlags(a.choice)},
		group{"Optimizer " + a.choice.optimizer.Name(), s.optimFlags(a.choice)}, group{"Run", s.runFlags()})
	c.Flags().AddFlagSet(ignoredFlags())
	return c
}

// train runs one training from flags to adapter.
func (a *app) train(ctx context.Context, s *trainSettings) error {
	for _, n := range notes(s.flags) {
		a.warn("%s", n)
	}
	if err := s.complete(); err != nil {
		return err
	}
	unlock, err := s.claim()
	if err != nil {
		return err
	}
	defer unlock()
	j, f, err := a.prepare(s)
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	if err := writeText(filepath.Join(s.out, configFile), string(resolved(s.flags))); err != nil {
		return err
	}
	shape := train.Shape{B: s.batchSize, T: longest(j.loader)}
	d, err := j.draft(f, shape)
	if err != nil {
		return err
	}
	a.header(j, s, d)
	if err := j.fits(f, shape, d.plan.Total()); err != nil {
		return err
	}
	return a.loop(ctx, s, j, f, d)
}

// loop runs the steps and writes what came out.
func (a *app) loop(ctx context.Context, s *trainSettings, j *job, f *train.FirstOrder, d *drafted) error {
	id, err := j.identity(s)
	if err != nil {
		return err
	}
	r := newReporter(a)
	l := &train.Loop{Engine: j.engine, Stepper: f, Train: j.loader, Eval: j.scorer, Report: r, Options: s.options(), Dir: s.out, Identity: id,
		Schedule: optim.Schedule{Kind: s.schedule, Peak: s.lr, Warmup: s.warmup(j.loader)}}
	res := &result{job: j, settings: s, drafted: d}
	l.Adapter = func(dir string) error { return res.checkpoint(context.WithoutCancel(ctx), dir) }
	if err := l.Prepare(); err != nil {
		return err
	}
	if s.resume != "" {
		dir := s.resume
		if dir == "latest" {
			dir = ""
		}
		if err := l.Resume(dir, s.force); err != nil {
			if errors.Is(err, train.ErrNoCheckpoint) {
				return &codeError{exitCheckpoint, fmt.Errorf("--resume: %w; leave --resume out to start", err)}
			}
			return err
		}
	}
	err = l.Run(ctx)
	r.stop()
	if err != nil {
		return err
	}
	if err := res.write(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return a.finish(s, r)
}

// finish says what there is now.
func (a *app) finish(s *trainSettings, r *reporter) error {
	if a.json {
		a.emit(map[string]any{"event": "done", "out": s.out, "steps": r.summary.Steps, "loss": finiteOr(r.summary.Loss),
			"best_step": r.summary.BestStep, "best_metric": finiteOr(r.summary.BestMetric), "stopped_early": r.summary.StoppedEarly,
			"seconds": r.summary.Duration.Seconds()})
		return nil
	}
	a.say("written:  %s", s.out)
	return nil
}

// complete checks what train needs beyond what the other commands check.
func (s *trainSettings) complete() error {
	switch {
	case s.model == "" && s.initAdapter == "":
		return usage("--model: give a model directory")
	case s.data == "":
		return usage("--data: give training data")
	case s.out == "":
		return usage("--out: give a directory for the adapter")
	case !(s.lr > 0) || s.lr > 1e3:
		return usage("--lr %g: want a positive number", s.lr)
	case s.accumulate < 1:
		return usage("--accumulate %d: want at least 1", s.accumulate)
	case s.maxSteps < 0:
		return usage("--max-steps %d: want a positive number", s.maxSteps)
	case s.maxSteps == 0 && !(s.epochs > 0 && s.epochs <= 1e6):
		return usage("--epochs %g: want a positive number, or --max-steps", s.epochs)
	case !(s.warmupRatio >= 0 && s.warmupRatio <= 1):
		return usage("--warmup-ratio %g: want a share from 0 to 1", s.warmupRatio)
	case s.warmupSteps > 0 && s.warmupRatio > 0:
		return usage("--warmup-steps and --warmup-ratio: give one")
	case !(s.maxGradNorm >= 0):
		return usage("--max-grad-norm %g: want a number of at least 0", s.maxGradNorm)
	case !(s.smoothing >= 0 && s.smoothing < 1):
		return usage("--label-smoothing %g: want a share from 0 to 1", s.smoothing)
	}
	for _, n := range []struct {
		flag string
		v    int
	}{{"log-steps", s.logSteps}, {"eval-steps", s.evalSteps}, {"save-steps", s.saveSteps}, {"save-total-limit", s.saveLimit}, {"patience", s.patience},
		{"warmup-steps", s.warmupSteps}} {
		if n.v < 0 {
			return usage("--%s %d: want a number of at least 0", n.flag, n.v)
		}
	}
	return s.strategies()
}

// identity is what a checkpoint of this run must match.
func (j *job) identity(s *trainSettings) (train.Identity, error) {
	model, err := j.src.fingerprint()
	if err != nil {
		return train.Identity{}, err
	}
	settings := map[string]any{"method": j.method.Name(), "method_config": j.method.Config(), "max_length": j.length, "seed": s.seed}
	if s.initAdapter != "" {
		settings["init_adapter"] = s.initAdapter
	}
	return train.Identity{Version: version, Model: model, Data: data.Fingerprint(j.train.seqs), Kernels: string(j.dev.Info().Class), Settings: settings}, nil
}

// claim makes and locks the output directory. One that holds another run is refused.
func (s *trainSettings) claim() (func(), error) {
	if s.resume == "" && !s.overwrite {
		for _, mark := range []string{configFile, recordFile, "adapter_config.json", "trainer_state.json", "config.json", "metrics.jsonl"} {
			if exists(s.out, mark) {
				return nil, usage("%s holds another run (%s): go on with --resume, replace it with --overwrite, or choose another --out", s.out, mark)
			}
		}
	}
	if err := os.MkdirAll(s.out, 0o777); err != nil {
		return nil, usage("--out: %v", err)
	}
	lock, err := atomicfile.LockDir(s.out)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Release() }, nil // the system releases it at exit at the latest
}
