package main

import (
	"fmt"
	"sort"

	"luthier/backend"
	"luthier/data"
	"luthier/model"
	"luthier/peft"
	"luthier/train"
)

// job is a model on a device with its task, method and data: what train, eval, predict, generate and plan share.
type job struct {
	dev    backend.Device
	budget budget
	src    *source
	method peft.Method // nil for a model as it is
	task   model.Task
	labels []string
	prompt *prompting // nil without
	length int
	masks  *hiding // of training a masked language model; nil elsewhere
	train  *dataset
	eval   *dataset
	loader *data.Loader // of train
	scorer *data.Loader // of eval
	engine *train.Engine
}

// close gives everything back.
func (j *job) close() {
	if j.engine != nil {
		j.engine.Close()
	}
	if j.dev != nil {
		_ = j.dev.Close() // the work is done: what a driver says at its end changes nothing
	}
	j.src.close()
}

// resolve settles task and length.
func (j *job) resolve(in *inputs, path string) (err error) {
	if j.prompt, err = j.src.promptOf(in); err != nil {
		return err
	}
	if in.prompt = j.prompt; j.prompt != nil {
		j.task = model.Score
	} else if j.task, err = j.src.resolveTask(in, path); err != nil {
		return err
	}
	j.length, err = j.src.length(in.maxLength, j.task)
	return err
}

// known are the class names that the adapter or the model brings; nil where the data decides.
func (j *job) known() []string {
	if j.task == model.Score && j.src.record.Task == model.Score {
		return j.src.record.Labels
	}
	if j.task != model.Classify && j.task != model.TokenClassify {
		return nil
	}
	if len(j.src.record.Labels) > 0 {
		return j.src.record.Labels
	}
	if j.src.adapter != nil { // another tool's adapter: its head has a row a class
		spec, _ := model.SpecOf(j.src.config.ModelType)
		for _, t := range j.src.adapter.tensors {
			for _, h := range spec.Heads {
				if t.Name == h+".weight" && len(t.Shape) == 2 {
					return j.orConfig(t.Shape[0])
				}
			}
		}
	}
	if j.task == model.Classify && headClass(j.src.config) || j.task == model.TokenClassify && tokenHead(j.src.config) {
		if l := j.src.config.Labels(); len(l) > 0 {
			return l
		}
	}
	return nil
}

// orConfig are the config's n names, or plain ones.
func (j *job) orConfig(n int) []string {
	if l := j.src.config.Labels(); len(l) == n {
		return l
	}
	return plainLabels(n)
}

// classes is the number of outputs of a head.
func (j *job) classes() int {
	if j.task == model.Regress {
		return 1
	}
	return len(j.labels)
}

// start makes the engine. Positions are those of the longest batch.
func (j *job) start(seed uint64, positions int) {
	j.src.weights.Seed = seed
	j.src.weights.Positions = max(1, min(j.src.config.MaxPositions, positions))
	if j.src.adapter != nil {
		j.src.give()
	}
	var m model.Adapter = model.None{}
	if j.method != nil {
		m = j.method
	}
	j.engine = train.NewEngine(j.dev, j.src.config, j.src.weights, m, j.task, j.classes())
	j.engine.Scores, j.engine.Names = j.prompt.scored(), j.labels
}

// longest is the length of the longest batch of the given loaders.
func longest(ls ...*data.Loader) int {
	n := 1
	for _, l := range ls {
		if l != nil {
			n = max(n, l.MaxT())
		}
	}
	return n
}

// headsKnown refuses to use a model whose head was never trained.
func (j *job) headsKnown() error {
	if fresh := j.src.weights.Untrained(); len(fresh) > 0 {
		return badData(fmt.Errorf("%s has no %s: the %s head is untrained; give --adapter, or a model with that head", j.src.dir, fresh[0], j.head()))
	}
	return nil
}

// stray lists tensors of the adapter that the model has no place for.
func (j *job) stray(names []string) []string {
	if j.src.adapter == nil {
		return nil
	}
	have := map[string]bool{}
	for _, n := range names {
		have[n] = true
	}
	var out []string
	for _, t := range j.src.adapter.tensors {
		if !have[t.Name] && !t.Base { // what stands for the model's own was compared with it
			out = append(out, t.Name)
		}
	}
	sort.Strings(out)
	return out
}
