package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"luthier/data"
	"luthier/graph"
	"luthier/model"
	"luthier/peft"
	"luthier/train"
)

func (a *app) mergeCmd() *cobra.Command {
	in := &inputs{batchSize: 1}
	var out, dtype string
	var overwrite bool
	c := &cobra.Command{
		Use:     "merge",
		Aliases: []string{"fuse"},
		Short:   "Fold an adapter into its base model and write a whole model; without an adapter, copy a model in another --dtype",
		Example: "  luthier merge --adapter my-adapter --out merged",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (in.adapter == "" && in.model == "") || out == "" {
				return usage("merge wants --adapter (or --model, to change its storage type) and --out")
			}
			d, err := dtypeFlag(dtype)
			if err != nil {
				return err
			}
			return a.merge(c.Context(), in, out, d, overwrite)
		},
	}
	flags := set(func(f *pflagSet) {
		f.StringVar(&in.model, "model", "", "base model directory (default: what the adapter names)")
		in.adapterFlag(f)
		f.StringVar(&out, "out", "", "directory of the merged model")
		f.StringVar(&dtype, "dtype", "", "storage type: f32, bf16, f16 (default: as the base has it)")
		f.BoolVar(&overwrite, "overwrite", false, "replace what --out holds")
	})
	grouped(c, group{"Model", flags})
	return c
}

// merge needs no device: the sum is made on the host, in f32.
func (a *app) merge(ctx context.Context, in *inputs, out, dtype string, overwrite bool) error {
	if err := apartFrom(out, in.model, in.adapter); err != nil {
		return err
	}
	if !overwrite && exists(out, "config.json") {
		return usage("%s holds a model: give --overwrite or another --out", out)
	}
	j := &job{}
	var err error
	if j.src, err = openSource(in.model, in.adapter, false); err != nil {
		return err
	}
	defer j.src.close()
	if err := apartFrom(out, j.src.dir); err != nil { // that the adapter names
		return err
	}
	names, err := j.layout(in)
	if err != nil {
		return err
	}
	if j.wantsPad() {
		if j.src.tok, err = j.src.readTokenizer(); err != nil {
			a.warn("%s gets no pad_token_id, without which transformers takes one text at a time: %v", out, err)
		}
	}
	if rest := j.stray(names); len(rest) > 0 {
		return badData(errStray(j, rest))
	}
	var tensors []peft.Tensor
	if j.src.adapter != nil {
		tensors = j.src.adapter.tensors
	}
	err = fillHeld(ctx, out, func(dir string) error {
		if err := j.export(ctx, dir, tensors, dtype); err != nil {
			return err
		}
		if err := data.WriteTokenizerFiles(j.src.dir, dir); err != nil {
			return err
		}
		return j.record(j.src.record.MaxLength).write(dir)
	})
	if err != nil {
		return err
	}
	if a.json {
		a.emit(map[string]any{"out": filepath.Clean(out), "model": j.src.dir, "adapter": in.adapter, "modules": len(j.method.Matched())})
		return nil
	}
	if in.adapter == "" {
		a.say("copied %s: %s", j.src.dir, out)
		return nil
	}
	a.say("merged %d modules of %s into %s: %s", len(j.method.Matched()), in.adapter, j.src.dir, out)
	return nil
}

// layout builds the model once, so that the method meets its sites, and lists the names of all leaves. Without an adapter the model stays
// as it is.
func (j *job) layout(in *inputs) (names []string, err error) {
	if err := j.resolve(in, ""); err != nil {
		return nil, err
	}
	j.labels = j.known()
	if j.method, err = peft.New("full"); err != nil {
		return nil, err
	}
	if j.src.adapter != nil {
		j.method = j.src.adapter.method
		j.src.give()
	}
	if err := j.method.Setup(j.src.config, j.head()); err != nil {
		return nil, badData(err)
	}
	g := graph.New()
	b := model.NewBuilder(g, j.src.config, j.src.weights, j.method, 1, 4)
	if _, err := b.Loss(j.task, max(1, j.classes()), 0); err != nil {
		return nil, badData(err)
	}
	j.engine = &train.Engine{Sites: b.Sites}
	for _, n := range g.Leaves() {
		names = append(names, n.Leaf().Name)
	}
	return names, nil
}
