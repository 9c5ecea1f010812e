package main

import (
	"cmp"
	"context"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"luthier/data"
	"luthier/graph"
	"luthier/internal/atomicfile"
	"luthier/model"
	"luthier/model/safetensors"
	"luthier/peft"
)

// result writes what a run trained: an adapter, or a whole model where the method has no adapter.
type result struct {
	job      *job
	settings *trainSettings
	drafted  *drafted

	history []map[string]any // of the run, as trainer_state.json has it
	step    int              // whose weights are written
}

// tensors are the trained ones as they stand now. What the loss does not reach has its first values.
func (r *result) tensors(ctx context.Context) ([]peft.Tensor, error) {
	return r.job.trained(r.drafted.shapes, func(name string) ([]float32, error) {
		if !r.job.engine.Store.Has(name) {
			return nil, nil
		}
		return r.job.engine.Values(ctx, name)
	})
}

// trained lists trained tensors by name; what value has none of keeps its first values.
func (j *job) trained(shapes map[string][]int, value func(name string) ([]float32, error)) ([]peft.Tensor, error) {
	var out []peft.Tensor
	for _, n := range slices.Sorted(maps.Keys(shapes)) {
		x, err := value(n)
		if err == nil && x == nil {
			x, err = j.src.weights.Values(n, graph.Shape(shapes[n]).Elems())
		}
		if err != nil {
			return nil, err
		}
		out = append(out, peft.Tensor{Name: n, Shape: shapes[n], Values: x})
	}
	return out, nil
}

// checkpoint adds the adapter to a checkpoint, so that it can be used as it is. A whole model is written at the end only.
func (r *result) checkpoint(ctx context.Context, dir string) error {
	if r.job.method.Config() == nil {
		return nil
	}
	return r.adapter(ctx, dir)
}

func (r *result) adapter(ctx context.Context, dir string) error {
	ts, err := r.tensors(ctx)
	if err != nil {
		return err
	}
	if err := r.record().write(dir); err != nil {
		return err
	}
	return peft.Save(dir, r.job.method, r.job.src.dir, ts)
}

// write fills the output directory: all of it, or on an error nothing, so that an adapter that was there still goes with its settings.
func (r *result) write(ctx context.Context) error {
	return atomicfile.FillDir(r.settings.out, func(dir string) error { return r.fill(ctx, dir) })
}

func (r *result) fill(ctx context.Context, out string) error {
	if r.job.method.Config() != nil {
		if err := r.adapter(ctx, out); err != nil {
			return err
		}
	} else if err := r.model(ctx, out); err != nil {
		return err
	}
	if err := data.WriteTokenizerFiles(r.job.src.dir, out); err != nil {
		return err
	}
	if err := r.record().write(out); err != nil {
		return err
	}
	return writeText(filepath.Join(out, "README.md"), r.card())
}

func (r *result) record() runRecord {
	return r.job.record(r.job.length)
}

func (j *job) record(length int) runRecord {
	r := runRecord{Version: version, Base: j.src.dir, Method: j.method.Name(), Task: j.task, Labels: j.labels, MaxLength: length}
	if j.task == model.MaskedLM {
		r.Masks = cmp.Or(j.masks, j.src.record.Masks)
	}
	if j.prompt != nil {
		r.Template, r.Verbalizer = j.prompt.Template.Source, j.prompt.given
	}
	return r
}

// model writes a whole model.
func (r *result) model(ctx context.Context, out string) error {
	ts, err := r.tensors(ctx)
	if err != nil {
		return err
	}
	return r.job.export(ctx, out, ts, r.job.storage())
}

// export merges tensors into the base and writes the model to dir, which holds none: weights and configs.
func (j *job) export(ctx context.Context, dir string, ts []peft.Tensor, dtype string) error {
	tensors, untied, err := peft.Merge(j.method, j.src.weights, j.engine.Sites, ts, dtype)
	if err != nil {
		return err
	}
	for i := range tensors {
		tensors[i].Stream = until(ctx, tensors[i].Stream)
	}
	if err := safetensors.WriteModel(dir, tensors, 0); err != nil {
		return err
	}
	if j.head() == model.CausalLM {
		if err := data.WriteGenerationConfig(j.src.dir, dir); err != nil {
			return err
		}
	}
	c := *j.src.config
	c.PadID = cmp.Or(c.PadID, j.pad())
	return model.WriteConfig(&c, dir, j.task, j.labels, untied, model.MainType(tensors))
}

// until is the stream of a tensor, which is not begun once ctx is cancelled.
func until(ctx context.Context, stream func(io.Writer) error) func(io.Writer) error {
	if stream == nil {
		return nil
	}
	return func(w io.Writer) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return stream(w)
	}
}
