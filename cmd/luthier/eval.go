package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) evalCmd() *cobra.Command {
	in := &inputs{pack: true}
	var config string
	c := &cobra.Command{
		Use:     "eval",
		Aliases: []string{"evaluate"},
		Short:   "Measure a model, with an adapter or without, on labelled data or text",
		Example: "  luthier eval --adapter my-adapter --data dev.tsv",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := applyConfig(config, c.Flags(), c.Name()); err != nil {
				return err
			}
			return a.eval(c.Context(), in, c.Flags())
		},
	}
	files := set(func(f *pflagSet) {
		in.adapterFlag(f)
		f.StringVar(&in.data, "data", "", "data to measure on, as train takes it; of a directory the valid.* file")
		in.columnFlags(f)
		in.hiding.flags(f)
		f.BoolVar(&in.pack, "pack", true, "language models: join documents and cut blocks of --max-length")
		f.BoolVar(&in.trainPrompts, "train-on-prompts", false, "count the loss on prompts too")
		f.StringVar(&config, "config", "", "YAML file with the same settings, or run.yaml of a run; flags win")
	})
	grouped(c, group{"Model", in.modelFlags()}, group{"Data", files})
	return c
}

func (a *app) eval(ctx context.Context, in *inputs, given *pflagSet) error {
	if in.data == "" {
		return usage("--data: give the data to measure on")
	}
	path, err := in.validPath()
	if err != nil {
		return err
	}
	j, err := a.openJob(in, path)
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	in.hiding.as(j.src.record.Masks, given)
	var d *dataset
	if d, j.labels, err = in.readSet(path, j.src.tok, j.task, j.length, j.known()); err != nil {
		return err
	}
	l, err := j.evaluator(in, d)
	if err != nil {
		return err
	}
	if fresh := j.src.weights.Untrained(); len(fresh) > 0 { // the figure before any training is worth having
		a.warn("%s has no %s: the head is random, by --seed", j.src.dir, fresh[0])
	}
	a.say("adapter:  %s", describe(j.dev.Info()))
	a.say("model:    %s", j.modelLine())
	if j.prompt != nil {
		a.say("prompt:   %s", j.prompt)
	}
	a.say("data:     %s", d.summary())
	r, err := j.engine.Evaluate(ctx, l)
	if err != nil {
		return err
	}
	if a.json {
		a.emit(map[string]any{"model": j.src.dir, "adapter": in.adapter, "task": j.task, "labels": j.labels, "data": setJSON(d), "metrics": r.Metrics,
			"rows": r.Rows, "seconds": r.Seconds})
		return nil
	}
	a.say("%s  (%d rows, %.1f s)", metricsText(r.Metrics), r.Rows, r.Seconds)
	return nil
}
