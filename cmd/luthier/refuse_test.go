package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/train"
)

// A batch that does not fit is refused before anything is allocated on the device: not even the weights are there.
func TestRefusedAllocatesNothing(t *testing.T) {
	a := &app{device: float64Device, memory: "600KiB"}
	var err error
	a.choice, err = choose(nil)
	require.NoError(t, err)
	s := &trainSettings{}
	s.flags = set(func(f *pflag.FlagSet) {
		for _, part := range []*pflag.FlagSet{s.modelFlags(), s.trainDataFlags(), s.methodFlags(a.choice), s.optimFlags(a.choice), s.runFlags()} {
			f.AddFlagSet(part)
		}
	})
	require.NoError(t, s.flags.Parse([]string{"--model", tinyModel(t, "bert"), "--data", tinyLabels(t, 24), "--batch-size", "64",
		"--out", filepath.Join(t.TempDir(), "out")}))
	j, f, err := a.prepare(s)
	require.NoError(t, err)
	defer j.close()
	shape := train.Shape{B: s.batchSize, T: longest(j.loader)}
	d, err := j.draft(f, shape)
	require.NoError(t, err)
	require.ErrorIs(t, j.fits(f, shape, d.plan.Total()), backend.ErrOutOfMemory)
	taken, buffers := j.dev.Allocated()
	require.Zero(t, taken)
	require.Zero(t, buffers)

	require.NoError(t, f.Prepare([]train.Shape{{B: 1, T: shape.T}}))
	taken, _ = j.dev.Allocated()
	require.Positive(t, taken, "what the count is worth")
}

// A run that is stopped before its first step says that nothing was written, and leaves nothing in the way of the next.
func TestInterruptedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	args := []string{"train", "--model", tinyModel(t, "bert"), "--data", tinyLabels(t, 24), "--out", filepath.Join(t.TempDir(), "out"), "--device", float64Device}
	require.Equal(t, 130, run(ctx, args, strings.NewReader(""), &out, &errs))
	require.Contains(t, errs.String(), "interrupted: nothing was written")
	errs.Reset()
	require.Zero(t, run(context.Background(), args, strings.NewReader(""), &out, &errs), errs.String())
}

// What diverges on the float64 device diverges on the adapter too: a NaN in the model, and a learning rate beyond reason.
func TestDivergedOnAdapter(t *testing.T) {
	device := adapter(t)
	t.Chdir(t.TempDir())
	failureFiles(t)
	for _, c := range []struct {
		says string
		args []string
	}{
		{"fetch the model again", []string{"train", "--model", "nan", "--data", "rows.tsv", "--out", "a"}},
		{"diverged at step 2", runLine("b", "--lr", "1e30")},
		{"diverged at step 2", runLine("c", "--lr", "1e30", "--max-grad-norm", "0", "--optim", "sgd")},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 6, run(context.Background(), append(c.args, "--device", device), strings.NewReader(""), &out, &errs), errs.String())
		require.Contains(t, errs.String(), c.says)
		found, err := filepath.Glob("*/adapter_model.safetensors")
		require.NoError(t, err)
		require.Empty(t, found)
	}
}

// A module name that nothing bears is named, and the others are trained.
func TestUnmatchedNames(t *testing.T) {
	code, _, errs := luthier(t, "train", "--model", tinyModel(t, "bert"), "--data", tinyLabels(t, 24), "--out", filepath.Join(t.TempDir(), "out"),
		"--max-steps", "1", "--target-modules", "query,q_proj", "--modules-to-save", "pooler.dense,lm_head")
	require.Zero(t, code, errs)
	require.Contains(t, errs, "--target-modules: q_proj matches no module")
	require.Contains(t, errs, "--modules-to-save: lm_head matches no module")
	require.NotContains(t, errs, "query matches")
	require.NotContains(t, errs, "pooler")
}
