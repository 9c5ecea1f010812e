package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"luthier/backend"
	"luthier/data"
	"luthier/model"
	"luthier/train"
)

func (a *app) planCmd() *cobra.Command {
	s := &trainSettings{}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show the exact memory of a training run, and the largest batch that fits, without running it",
		Long: "Shows the exact memory of a training run, and the largest batch that fits, without running it. With --shape it plans a model that is\n" +
			"not on disk, for inference, and for MeZO and AdamW with an adapter and on all weights, side by side.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s.flags = c.Flags()
			if err := s.settle(c.Name()); err != nil {
				return err
			}
			a.notes(s)
			if err := s.sound(); err != nil {
				return err
			}
			if s.shape != "" {
				return a.planShape(s)
			}
			return a.plan(s)
		},
	}
	shape := set(func(f *pflagSet) {
		f.StringVar(&s.shape, "shape", "", "plan a model without weights: "+strings.Join(shapeNames(), ", ")+", or a directory with a config.json")
	})
	grouped(c, group{"Shape", shape}, group{"Model", s.modelFlags()}, group{"Data", s.trainDataFlags()}, group{"Method " + a.choice.method.Name(), s.methodFlags(a.choice)},
		group{"Optimizer " + a.choice.optimizer.Name(), s.optimFlags(a.choice)}, group{"Run", s.runFlags()})
	c.Flags().AddFlagSet(ignoredFlags())
	return c
}

// most is the largest batch that plan looks at.
const most = 1 << 12

func (a *app) plan(s *trainSettings) error {
	j, f, err := a.prepare(s)
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	shape := train.Shape{B: s.batchSize, T: data.Bucket(j.length)}
	if j.loader != nil {
		shape.B, shape.T = j.loader.BatchRows(), longest(j.loader, j.scorer)
	}
	d, err := j.draft(f, shape)
	if err != nil {
		return err
	}
	if err := j.dump(s.dumpGraph, f, shape); err != nil {
		return err
	}
	largest, err := largestBatch(most, j.limit(), j.need(f, shape.T))
	if err != nil {
		return err
	}
	if a.json {
		a.emit(map[string]any{"adapter": adapterJSON(j.dev.Info()), "model": j.src.dir, "task": j.task, "method": j.method.Name(),
			"parameters": countsOf(d), "batch_size": shape.B, "length": shape.T, "total_bytes": d.plan.Total(), "memory": memoryTable(d.plan),
			"arenas": d.plan.Arenas, "budget_bytes": j.budget.bytes, "budget_from": j.budget.from, "largest_batch": largest})
		return j.fitsAll(f, shape, d.plan)
	}
	a.header(j, s, d)
	a.say("shape:    %d x %d tokens: %s in all, in %s; %d dispatches a batch", shape.B, shape.T, bytesText(d.plan.Total()), plural(float64(len(d.plan.Arenas)), "arena"),
		d.plan.Commands)
	switch {
	case j.budget.bytes == 0:
		a.say("fits:     the adapter does not tell its memory: give --memory (its other limits allow --batch-size %d)", largest)
	case largest == most:
		a.say("fits:     any --batch-size to %d at this length", largest)
	default:
		a.say("fits:     --batch-size %d is the largest at this length", largest)
	}
	return j.fitsAll(f, shape, d.plan)
}

// prepare opens everything that training needs and allocates nothing on the device. The job is returned with an error too, to be closed.
func (a *app) prepare(s *trainSettings) (*job, stepper, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	dev, memory, err := a.openDevice()
	if err != nil {
		return nil, nil, err
	}
	return a.prepareOn(dev, memory, s)
}

// prepareOn is prepare on a device, which becomes the job's.
func (a *app) prepareOn(dev backend.Device, memory budget, s *trainSettings) (*job, stepper, error) {
	j := &job{method: a.choice.method, dev: dev, budget: memory}
	var err error
	if err = j.read(s); err != nil {
		return j, nil, err
	}
	a.strangers(j.src)
	if err = j.adopt(s); err != nil {
		return j, nil, err
	}
	if err = j.method.Setup(j.src.config, j.head()); err != nil {
		return j, nil, usage("--method %s: %v", j.method.Name(), err)
	}
	j.keepHead()
	j.src.weights.KeepType = a.forward()
	positions := data.Bucket(j.length)
	if j.loader != nil {
		positions = longest(j.loader, j.scorer)
	}
	j.start(s.seeds.init.or(s.seed), positions)
	j.engine.Smoothing, j.engine.Recompute, j.engine.Masked = s.smoothing, s.recompute, s.hiding.most
	if err := j.promptFits(s, !a.forward()); err != nil {
		return j, nil, err
	}
	f, err := a.stepper(j, s)
	return j, f, err
}

// read opens the model and reads the data, and with them settles task, length and labels.
func (j *job) read(s *trainSettings) (err error) {
	if j.src, err = openSource(s.model, s.initAdapter, s.data != ""); err != nil {
		return err
	}
	if err := apartFrom(s.out, j.src.dir); err != nil { // the model that --init-adapter names
		return err
	}
	if a := j.src.adapter; a != nil && a.rebased != "" {
		return usage("--init-adapter %s: it brings a %s other than the model's, which the new adapter would not keep: merge it, and train on "+
			"the merged model", s.initAdapter, a.rebased)
	}
	trainPath, evalPath, err := s.paths()
	if err != nil {
		return err
	}
	if err = j.resolve(&s.inputs, trainPath); err != nil {
		return err
	}
	if j.task == model.MaskedLM {
		j.masks = &s.hiding
	}
	if err = j.readData(s, trainPath, evalPath); err != nil {
		return err
	}
	if j.labels == nil && (j.task == model.Classify || j.task == model.TokenClassify) {
		j.labels = j.orConfig(max(2, s.labels))
	}
	return nil
}

// targets are the modules that the method was told to look for.
func (j *job) targets() string {
	all := map[string]any{}
	if flatten(all, j.method.Config()) != nil || all["target_modules"] == nil {
		return ""
	}
	return fmt.Sprintf(" with the targets %v", all["target_modules"])
}

// adopt takes the method with its settings from --init-adapter.
func (j *job) adopt(s *trainSettings) error {
	if j.src.adapter == nil {
		return nil
	}
	m := j.src.adapter.method
	if s.flags.Changed("method") && s.method != m.Name() {
		return usage("--method %s: --init-adapter %s is a %s adapter", s.method, s.initAdapter, m.Name())
	}
	own := set(m.Flags)
	var given []string
	own.VisitAll(func(f *pflag.Flag) {
		if s.flags.Changed(f.Name) {
			given = append(given, "--"+f.Name)
		}
	})
	if len(given) > 0 {
		return usage("%s: the settings of the method come from --init-adapter; leave it out", strings.Join(given, ", "))
	}
	j.method = m
	return nil
}

// paths are the files of --data and --eval-data.
func (in *inputs) paths() (trainPath, evalPath string, err error) {
	if in.data == "" {
		return "", in.evalData, nil
	}
	splits, err := data.FindSplits(in.data)
	if err != nil {
		return "", "", badData(err)
	}
	if splits.Train == "" {
		return "", "", badData(fmt.Errorf("%s: has no train.* file", in.data))
	}
	if in.evalData == "" {
		return splits.Train, splits.Valid, nil
	}
	return splits.Train, in.evalData, nil
}

// readData reads what there is; the labels of the adapter or model, else those of the training data, hold for both sets.
func (j *job) readData(s *trainSettings, trainPath, evalPath string) (err error) {
	if trainPath == "" {
		return nil
	}
	if j.train, j.labels, err = s.readSet(trainPath, j.src.tok, j.task, j.length, j.known()); err != nil {
		return err
	}
	if err = j.src.typed(j.train); err != nil {
		return err
	}
	if evalPath != "" { // before the loaders, which want to know the longest option of both
		if j.eval, _, err = s.readSet(evalPath, j.src.tok, j.task, j.length, j.labels); err != nil {
			return err
		}
		if err = j.src.typed(j.eval); err != nil {
			return err
		}
	}
	if j.loader, err = s.loader(j.train, j.src.tok, s.batchSize, true); err != nil || evalPath == "" {
		return err
	}
	batch := s.evalBatchSize
	if batch == 0 {
		batch = s.batchSize
	}
	j.scorer, err = s.loader(j.eval, j.src.tok, batch, false)
	return err
}
