package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"luthier/backend/ref"
	"luthier/data"
	"luthier/graph"
	"luthier/peft"
	"luthier/train"
	"luthier/zeroth"
)

type replaySettings struct {
	model, log, start, out string
	until                  int
	overwrite              bool
}

func (a *app) replayCmd() *cobra.Command {
	s := &replaySettings{}
	c := &cobra.Command{
		Use:     "replay",
		Short:   "Rebuild what a run without gradients trained from its log: the same bytes, without a GPU",
		Example: "  luthier replay --model MODEL --log my-adapter/replay.log --out again",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if s.model == "" || s.log == "" || s.out == "" {
				return usage("replay wants --model, --log and --out")
			}
			return a.replay(c.Context(), s)
		},
	}
	flags := set(func(f *pflagSet) {
		f.StringVar(&s.model, "model", "", "the base model that the run started from")
		f.StringVar(&s.log, "log", "", "replay.log of the run")
		f.StringVar(&s.start, "start", "", "tensors that the run started from and the base model lacks (default: "+startFile+" beside the log)")
		f.StringVar(&s.out, "out", "", "directory of the result")
		f.IntVar(&s.until, "until", -1, "stop after this step, as after the best one of a run with --load-best")
		f.BoolVar(&s.overwrite, "overwrite", false, "replace what --out holds")
	})
	grouped(c, group{"Replay", flags})
	return c
}

// replay works on the host alone: the numbers are integers and single additions, alike everywhere.
func (a *app) replay(ctx context.Context, s *replaySettings) error {
	if err := apartFrom(s.out, s.model); err != nil {
		return err
	}
	if !s.overwrite && (exists(s.out, "config.json") || exists(s.out, peft.ConfigFile)) {
		return usage("%s holds a model or an adapter: give --overwrite or another --out", s.out)
	}
	log, err := zeroth.Read(s.log)
	var cut *zeroth.CutError
	var damaged *zeroth.DamageError
	switch {
	case errors.As(err, &cut) || errors.As(err, &damaged):
		if last, ok := log.Last(); s.until < 0 || !ok || s.until > int(last) {
			return &codeError{exitCheckpoint, err}
		}
		a.warn("%v", err)
	case err != nil:
		return badData(err)
	}
	j, names, err := s.open(&log.Header)
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	ts, shapes, err := j.replayTensors(names, s, &log.Header)
	if err != nil {
		return err
	}
	if err := zeroth.Replay(log, ts, s.until); err != nil {
		return &codeError{exitCheckpoint, fmt.Errorf("%s: %w", s.log, err)}
	}
	if err := j.writeReplay(ctx, s.out, ts, shapes); err != nil {
		return err
	}
	steps, _ := log.Last()
	if s.until >= 0 {
		steps = uint32(s.until)
	}
	if a.json {
		a.emit(map[string]any{"event": "replayed", "out": s.out, "steps": steps, "tensors": len(ts)})
		return nil
	}
	a.say("replayed: %d steps of %s from %s", steps, log.Header.Optimizer, s.log)
	a.say("written:  %s", s.out)
	return nil
}

// open makes the model with the run's method, on the host. The names are those of everything that the method trains.
func (s *replaySettings) open(h *zeroth.Header) (*job, *graph.Graph, error) {
	j := &job{dev: ref.New()}
	var err error
	if j.src, err = openSource(s.model, "", false); err != nil {
		return j, nil, err
	}
	have, err := j.src.fingerprint()
	if err != nil {
		return j, nil, err
	}
	if have != h.Fingerprint {
		return j, nil, &codeError{exitCheckpoint, fmt.Errorf("%s is not the base model of %s: its fingerprint is %.16s..., the log was made with %s, %.16s...", s.model, s.log,
			have, h.Model, h.Fingerprint)}
	}
	var record runRecord
	if err := again(h.Settings["record"], &record); err != nil {
		return j, nil, badData(fmt.Errorf("%s: the header's record: %w", s.log, err))
	}
	if j.method, err = methodOf(h); err != nil {
		return j, nil, badData(fmt.Errorf("%s: %w", s.log, err))
	}
	j.task, j.labels, j.length, j.src.record = record.Task, record.Labels, record.MaxLength, record
	if err := j.method.Setup(j.src.config, j.head()); err != nil {
		return j, nil, badData(fmt.Errorf("%s: method %s: %w", s.log, h.Method, err))
	}
	j.src.weights.KeepType = true
	if path := s.startPath(); path != "" { // before anything is declared: what is given is f32
		if err := j.giveStart(path); err != nil {
			return j, nil, err
		}
	}
	init, err := initSeed(h)
	if err != nil {
		return j, nil, badData(fmt.Errorf("%s: %w", s.log, err))
	}
	j.start(init, data.Bucket(j.length))
	j.engine.Forward = true
	d, _, err := j.engine.DraftForward(train.Shape{B: 1, T: 32}, nil)
	if err != nil {
		return j, nil, err
	}
	return j, d.Graph, nil
}

// methodOf makes the method with the settings in the header.
func methodOf(h *zeroth.Header) (peft.Method, error) {
	if c := h.Settings["adapter_config"]; c != nil {
		raw, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		return peft.ParseConfig(raw, "the header's adapter_config")
	}
	m, err := peft.New(h.Method)
	if err != nil {
		return nil, err
	}
	if f, ok := m.(*peft.Full); ok && h.Settings["train_only"] != nil {
		return m, again(h.Settings["train_only"], &f.Only)
	}
	return m, nil
}

// again turns a plain JSON value into what it was.
func again(v, to any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, to)
}

// replayTensors are the trained tensors as the run found them, in the log's order, and the shapes of all that the method trains.
func (j *job) replayTensors(g *graph.Graph, s *replaySettings, h *zeroth.Header) ([]zeroth.Tensor, map[string][]int, error) {
	shapes := map[string][]int{}
	for _, n := range g.Leaves() {
		if n.Leaf().Kind == graph.Trainable && n.Leaf().Of == "" {
			shapes[n.Leaf().Name] = n.Shape
		}
	}
	var out []zeroth.Tensor
	for _, t := range h.Tensors {
		n := g.Find(t.Name)
		if n == nil || shapes[t.Name] == nil {
			return nil, nil, badData(fmt.Errorf("%s: its tensor %s is none that method %s trains in %s", s.log, t.Name, h.Method, s.model))
		}
		raw, err := j.src.weights.Source(n)
		if err != nil {
			return nil, nil, badData(err)
		}
		out = append(out, zeroth.TensorOf(t, raw))
	}
	return out, shapes, nil
}

// writeReplay writes the adapter or the model, as the run did.
func (j *job) writeReplay(ctx context.Context, out string, ts []zeroth.Tensor, shapes map[string][]int) error {
	values := map[string][]float32{}
	for i := range ts {
		values[ts[i].Name] = ts[i].Floats()
	}
	all, err := j.trained(shapes, func(name string) ([]float32, error) { return values[name], nil })
	if err != nil {
		return badData(err)
	}
	return fillHeld(ctx, out, func(dir string) error { return j.fillReplay(ctx, dir, all) })
}

func (j *job) fillReplay(ctx context.Context, out string, all []peft.Tensor) error {
	var err error
	if j.method.Config() == nil {
		err = j.export(ctx, out, all, "")
	} else {
		err = peft.Save(out, j.method, j.src.dir, all)
	}
	if err != nil {
		return err
	}
	record := j.src.record
	record.Base = j.src.dir
	if err := record.write(out); err != nil {
		return err
	}
	return data.WriteTokenizerFiles(j.src.dir, out)
}
