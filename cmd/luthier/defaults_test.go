package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// All weights bear a tenth of an adapter's learning rate: they start from what was learned, an adapter from nothing.
func TestDefaultLearningRates(t *testing.T) {
	for want, args := range map[float64][]string{
		2e-4: {"--method", "lora"}, 2e-5: {"--method", "full"}, 5e-5: {"--optim", "mezo"}, 1e-6: {"--method", "full", "--optim", "mezo"},
		3e-3: {"--method", "full", "--lr", "3e-3"},
	} {
		_, s := settings(t, args...)
		require.Equal(t, want, s.lr, "%v", args)
	}
	_, s := settings(t, "--method", "full", "--optim", "sgd")
	require.Equal(t, 2e-5, s.lr)
	code, out, errs := luthier(t, "train", "--model", tinyModel(t, "bert"), "--data", tinyLabels(t, 8), "--method", "full", "--max-steps", "1", "--out", filepath.Join(t.TempDir(), "out"))
	require.Zero(t, code, errs)
	require.Contains(t, out, "optim:    adamw, lr 2e-05, linear")
}

// A constant rate warms up where a warm-up is given, as transformers' constant_with_warmup does and its constant does not: who writes the
// latter is told, and the numbers are the same.
func TestConstantWithWarmup(t *testing.T) {
	model, rows := tinyModel(t, "bert"), tinyLabels(t, 24)
	run := func(out string, more ...string) (text, errs string) {
		code, text, errs := luthier(t, append([]string{"train", "--model", model, "--data", rows, "--out", out, "--max-steps", "3", "--log-steps", "1"}, more...)...)
		require.Zero(t, code, errs)
		return text, errs
	}
	plain, named := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "named")
	_, errs := run(plain, "--schedule", "constant", "--warmup-steps", "2")
	require.Contains(t, errs, "--schedule constant begins with the warm-up that was given, where transformers' constant leaves it out: constant_with_warmup")
	text, errs := run(named, "--lr-scheduler-type", "constant_with_warmup", "--warmup-steps", "2")
	require.NotContains(t, errs, "warm-up")
	require.Contains(t, text, "lr 0.0002, constant_with_warmup")
	_, errs = run(filepath.Join(t.TempDir(), "none"), "--schedule", "constant")
	require.NotContains(t, errs, "warm-up")
	lr := func(dir string) (out []float64) {
		for _, l := range answers(t, whole(t, filepath.Join(dir, "metrics.jsonl"))) {
			out = append(out, l["lr"].(float64))
		}
		return out
	}
	require.Equal(t, []float64{0, 1e-4, 2e-4}, lr(plain))
	require.Equal(t, lr(plain), lr(named))
	// The two names are one setting: a run goes on under either, and its run.yaml keeps the one it had.
	code, _, errs := luthier(t, "train", "--model", model, "--data", rows, "--out", plain, "--max-steps", "4", "--schedule", "constant_with_warmup", "--warmup-steps", "2", "--resume")
	require.Zero(t, code, errs)
	code, _, errs = luthier(t, "train", "--config", filepath.Join(named, configFile), "--max-steps", "4", "--resume")
	require.Zero(t, code, errs)
	require.NotContains(t, errs, "warm-up")
}
