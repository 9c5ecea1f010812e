package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"luthier/data"
	"luthier/model/safetensors"
	"luthier/peft"
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
			if err := s.settle(c.Name()); err != nil {
				return err
			}
			if s.dryRun {
				return a.dryRun(c.Context(), s)
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
	a.notes(s)
	if err := s.complete(); err != nil {
		return err
	}
	unlock, err := s.claim(ctx)
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
	shape := train.Shape{B: j.loader.BatchRows(), T: longest(j.loader)}
	d, err := j.draft(f, shape)
	if err != nil {
		return err
	}
	a.header(j, s, d)
	if text := j.promptAdvice(); a.forward() && text != "" {
		a.warn("%s", text)
	}
	if err := j.dump(s.dumpGraph, f, shape); err != nil {
		return err
	}
	if err := j.fitsAll(f, shape, d.plan); err != nil {
		return err
	}
	if err := a.probe(ctx, s, j, d); err != nil {
		return err
	}
	return a.loop(ctx, s, j, f, d)
}

// loop runs the steps and writes what came out.
func (a *app) loop(ctx context.Context, s *trainSettings, j *job, f stepper, d *drafted) error {
	id, err := j.identity(s)
	if err != nil {
		return err
	}
	r := newReporter(a)
	hears, err := s.reporters(r)
	if err != nil {
		return err
	}
	l := s.loop(j, f)
	l.Report, l.Identity = hears, id
	if c, ok := f.(io.Closer); ok {
		defer c.Close() //nolint:errcheck // each step was written; Run has synced what a checkpoint stands on
	}
	res := &result{job: j, settings: s, drafted: d}
	l.Adapter = func(dir string) error { return res.checkpoint(context.WithoutCancel(ctx), dir) }
	if err := l.Prepare(); err != nil {
		return err
	}
	if err := s.openLog(l, f); err != nil {
		return err
	}
	if s.resume != "" {
		dir := s.resume
		if dir == "latest" {
			dir = ""
		}
		err := l.Resume(dir, s.force)
		if errors.Is(err, train.ErrNoCheckpoint) {
			err = a.resumeFromLog(ctx, l, f, s.force, err)
		}
		if err != nil {
			if errors.Is(err, train.ErrNoCheckpoint) {
				return s.nothingSaved(err)
			}
			return err
		}
	}
	if ctx.Err() != nil {
		return errEarly
	}
	if interruptsOf(ctx).works(starting); s.resume != "" {
		interruptsOf(ctx).works(resuming)
	}
	r.begun = func() {
		_ = j.dev.Wait(ctx) // what is wrong with the device the next step meets again
		interruptsOf(ctx).works(stepping)
	}
	if err := writeText(filepath.Join(s.out, configFile), string(yamlText(a.resolved(s, j)))); err != nil {
		return err
	}
	err = l.Run(ctx)
	r.stop()
	if err != nil {
		return j.blame(s.interrupted(err))
	}
	res.history, res.step = l.History(), r.weightsOf()
	if err := res.write(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return a.finish(s, r)
}

// interrupted tells a run that was stopped before there was anything to save.
func (s *trainSettings) interrupted(err error) error {
	if saved, _ := train.Checkpoints(s.out); errors.Is(err, train.ErrInterrupted) && len(saved) == 0 {
		return fmt.Errorf("%w before the first step: nothing was saved; start again with --overwrite", err)
	}
	return err
}

// blame looks for the cause of a run that diverged at once in the model itself.
func (j *job) blame(err error) error {
	var diverged *train.DivergedError
	if !errors.As(err, &diverged) || diverged.Step != 1 {
		return err
	}
	m, fault := safetensors.OpenModel(j.src.dir)
	if fault != nil {
		return err
	}
	defer m.Close()
	for _, name := range m.Names() {
		if t, ok := m.Tensor(name); ok {
			if i, bad := safetensors.FirstNonFinite(t); bad {
				return fmt.Errorf("%s: tensor %q is NaN or infinite at element %d: fetch the model again (%w)", j.src.dir, name, i, err)
			}
		}
	}
	return err
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

// identity is what a checkpoint of this run must match.
func (j *job) identity(s *trainSettings) (train.Identity, error) {
	model, err := j.src.fingerprint()
	if err != nil {
		return train.Identity{}, err
	}
	settings := map[string]any{"method": j.method.Name(), "max_length": j.length, "init_seed": s.seeds.init.or(s.seed)}
	if err := flatten(settings, j.method.Config()); err != nil {
		return train.Identity{}, err
	}
	if s.probe {
		settings["linear_probe_l2"] = s.probeL2
	}
	if s.initAdapter != "" {
		if settings["init_adapter"], err = peft.Fingerprint(s.initAdapter); err != nil {
			return train.Identity{}, badData(err)
		}
	}
	return train.Identity{Version: version, Model: model, Data: data.Fingerprint(j.train.seqs), EvalData: j.evalData(), Kernels: string(j.dev.Info().Class),
		Settings: settings}, nil
}

// evalData is what an evaluation must share with another to be compared with it: the sequences, and what is hidden of them.
func (j *job) evalData() string {
	if j.eval == nil {
		return ""
	}
	id := data.Fingerprint(j.eval.seqs)
	if j.masks != nil {
		id += fmt.Sprintf(" mlm_probability %g, whole_word_mask %t", j.masks.Probability, j.masks.WholeWord)
	}
	return id
}

// flatten adds a method's settings, key by key, without those that do not change what is computed.
func flatten(settings map[string]any, config any) error {
	raw, err := json.Marshal(config)
	if err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	for k, v := range all {
		if v != nil && k != "base_model_name_or_path" && k != "inference_mode" {
			settings[k] = v
		}
	}
	return nil
}
