package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"path/filepath"

	"github.com/spf13/cobra"

	"luthier/backend"
	"luthier/data"
	"luthier/internal/atomicfile"
	"luthier/model"
	"luthier/model/safetensors"
	"luthier/peft"
	"luthier/train"
)

func (a *app) gradientsCmd() *cobra.Command {
	in := &inputs{noShuffle: true}
	var out, side string
	c := &cobra.Command{
		Use:   "gradients",
		Short: "Write what one batch gives, to compare with another program: ids, logits, loss, and every gradient by name",
		Long: "Takes the first --batch-size rows of --data as one batch and writes a safetensors file: input_ids, attention_mask, token_type_ids,\n" +
			"position_ids and labels as transformers takes them, logits, loss, and grad.NAME for every weight, or with --adapter for what the adapter\n" +
			"trains. Dropout is off and nothing is updated. scripts/parity.py compares the file with PyTorch.",
		Example: "  luthier gradients --model MODEL --data rows.tsv --batch-size 4 --out batch.safetensors",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case in.data == "":
				return usage("--data: give the rows of the batch")
			case out == "":
				return usage("--out: give a file to write")
			case side != "left" && side != "right":
				return usage("--padding-side %q: want right or left", side)
			}
			return a.gradients(c.Context(), in, side == "left", out)
		},
	}
	files := set(func(f *pflagSet) {
		in.adapterFlag(f)
		f.StringVar(&in.data, "data", "", "file of rows, as train takes it")
		f.StringVar(&side, "padding-side", "right", "where shorter rows are filled: right or left")
		f.StringVar(&out, "out", "", "safetensors file to write")
		in.columnFlags(f)
		in.hiding.flags(f)
		f.BoolVar(&in.pack, "pack", false, "language models: join documents and cut blocks of --max-length")
	})
	grouped(c, group{"Model", in.modelFlags()}, group{"Data", files})
	return c
}

// gradients computes the batch and writes it with its results.
func (a *app) gradients(ctx context.Context, in *inputs, left bool, out string) error {
	j, err := a.openJob(in, in.data)
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	if j.task == model.Score {
		return usage("gradients: a prompted classification has no gradients here: leave out --template, or give --template none")
	}
	if j.method == nil {
		if j.method, err = peft.New("full"); err != nil {
			return err
		}
	}
	b, err := j.firstBatch(in, left)
	if err != nil {
		return err
	}
	j.start(in.seed, j.src.config.MaxPositions) // whole position tables: their gradients have the shapes of the checkpoint
	if err := j.gradientsFit(train.Shape{B: b.B, T: b.T}); err != nil {
		return err
	}
	g, err := j.engine.Gradients(ctx, b)
	if err != nil {
		return err
	}
	if err := j.placed(); err != nil {
		return err
	}
	for _, n := range j.src.weights.Started() {
		a.warn("%s has no %s: it is random, by --seed", j.src.dir, n)
	}
	if err := writeGradients(out, append(j.batchTensors(b), resultTensors(g)...)); err != nil {
		return usage("--out: %v", err)
	}
	loss := float64(math.Float32frombits(binary.LittleEndian.Uint32(g.Loss.Data)))
	if a.json {
		a.emit(map[string]any{"out": filepath.Clean(out), "model": j.src.dir, "adapter": in.adapter, "batch_size": b.B, "length": b.T, "loss": loss,
			"gradients": len(g.Params), "device": adapterJSON(j.dev.Info())})
		return nil
	}
	a.say("adapter:  %s", describe(j.dev.Info()))
	a.say("batch:    %d x %d, loss %.6f", b.B, b.T, loss)
	a.say("written:  %s, gradients of %d tensors", out, len(g.Params))
	return nil
}

// firstBatch lays out the first rows of the data.
func (j *job) firstBatch(in *inputs, left bool) (*data.Batch, error) {
	d, labels, err := in.readSet(in.data, j.src.tok, j.task, j.length, j.known())
	if err != nil {
		return nil, err
	}
	if j.labels = labels; labels == nil {
		j.labels = j.known()
	}
	d.seqs = d.seqs[:min(in.batchSize, len(d.seqs))]
	l, err := in.loader(d, j.src.tok, len(d.seqs), false)
	if err != nil {
		return nil, err
	}
	o := l.Options()
	o.LeftPad, o.GroupByLength = left, false
	if l, err = data.NewLoader(d.seqs, o); err != nil {
		return nil, badData(err)
	}
	b, _ := l.Next()
	return b, nil
}

// gradientsFit checks the plan of the batch against the memory there is.
func (j *job) gradientsFit(s train.Shape) error {
	need := func(batch int) (int64, error) {
		p, err := j.engine.GradientsPlan(train.Shape{B: batch, T: s.T})
		var limit *backend.LimitError
		switch {
		case errors.As(err, &limit):
			return math.MaxInt64, nil
		case err != nil:
			return 0, err
		}
		return p.Total(), nil
	}
	want, err := need(s.B)
	if err != nil || want <= j.limit() {
		return err
	}
	largest, err := largestBatch(s.B-1, j.limit(), need)
	if err != nil {
		return err
	}
	return &memoryError{want: want, have: j.budget.bytes, from: j.budget.from, batch: s.B, largest: largest, length: s.T, flag: "--batch-size"}
}

// batchTensors are the inputs of a batch as transformers takes them.
func (j *job) batchTensors(b *data.Batch) []safetensors.Out {
	token := []int{b.B, b.T}
	out := []safetensors.Out{ints("input_ids", token, b.IDs), ints("attention_mask", token, b.Mask), ints("token_type_ids", token, b.TypeIDs),
		ints("position_ids", token, train.Positions(b, j.src.config.MaxPositions))}
	switch {
	case j.task == model.Regress:
		raw := make([]byte, 0, 4*b.B)
		for _, v := range b.Targets {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		return append(out, safetensors.Out{Name: "labels", DType: safetensors.F32, Shape: []int{b.B}, Data: raw})
	case b.Labels == nil:
		return append(out, ints("labels", []int{b.B}, b.Classes))
	case j.task != model.CausalLM:
		return append(out, ints("labels", token, b.Labels))
	}
	labels := make([]int32, len(b.Labels)) // ours stand where they are predicted, those of transformers a position later
	for i := range labels {
		labels[i] = data.Ignore
		if i%b.T > 0 {
			labels[i] = b.Labels[i-1]
		}
	}
	return append(out, ints("labels", token, labels))
}

func ints(name string, shape []int, x []int32) safetensors.Out {
	raw := make([]byte, 0, 8*len(x))
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(int64(v)))
	}
	return safetensors.Out{Name: name, DType: safetensors.I64, Shape: shape, Data: raw}
}

func resultTensors(g *train.Gradients) []safetensors.Out {
	real := func(name string, t train.Tensor) safetensors.Out {
		return safetensors.Out{Name: name, DType: safetensors.F32, Shape: t.Shape, Data: t.Data}
	}
	out := []safetensors.Out{real("loss", g.Loss), real("logits", g.Logits)}
	for _, t := range g.Params {
		out = append(out, real("grad."+t.Name, t))
	}
	return out
}

func writeGradients(path string, ts []safetensors.Out) error {
	return atomicfile.WriteFile(path, 0o644, func(w io.Writer) error { return safetensors.Write(w, ts, nil) })
}
