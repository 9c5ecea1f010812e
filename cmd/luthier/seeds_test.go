package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"luthier/data"
	"luthier/train"
)

// settings parses the flags of train, as the command does.
func settings(t *testing.T, args ...string) (*app, *trainSettings) {
	t.Helper()
	a := &app{device: float64Device}
	var err error
	a.choice, err = choose(args)
	require.NoError(t, err)
	s := &trainSettings{flags: pflag.NewFlagSet("", pflag.ContinueOnError)}
	s.flags.SetNormalizeFunc(normalize)
	for _, g := range []*pflag.FlagSet{s.modelFlags(), s.trainDataFlags(), s.methodFlags(a.choice), s.optimFlags(a.choice), s.runFlags()} {
		s.flags.AddFlagSet(g)
	}
	require.NoError(t, s.flags.Parse(args))
	require.NoError(t, s.settle("train"))
	return a, s
}

// traces are what a run's three sources of chance show: the logits before the first step, the order of the rows, the first training loss.
type traces struct {
	logits []train.Prediction
	lines  []int
	loss   float64
}

func tracesOf(t *testing.T, args ...string) (out traces) {
	a, s := settings(t, args...)
	j, f, err := a.prepare(s)
	require.NoError(t, err)
	defer j.close()
	b, more := j.loader.Next()
	require.True(t, more)
	first := b
	for ; more; b, more = j.loader.Next() {
		out.lines = append(out.lines, b.Lines...)
	}
	ctx := context.Background()
	require.NoError(t, f.Prepare([]train.Shape{{B: first.B, T: first.T}}))
	scored, err := j.engine.Evaluate(ctx, j.scorer)
	require.NoError(t, err)
	out.logits = scored.Predictions
	require.NoError(t, f.Step(ctx, 1, 1e-3, []*data.Batch{first}))
	rs, err := f.Results(ctx, true)
	require.NoError(t, err)
	require.Len(t, rs, 1)
	out.loss = rs[0].Loss
	return out
}

// Each seed moves its own source of chance and no other (Dodge et al. 2020).
func TestSeedsApart(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 24)
	editJSON(t, filepath.Join(dir, "config.json"), map[string]any{"hidden_dropout_prob": 0.3})
	of := func(more ...string) traces {
		return tracesOf(t, append([]string{"--method", "full", "--model", dir, "--data", rows, "--eval-data", rows, "--seed", "1", "--max-length", "32"}, more...)...)
	}
	base := of()
	require.Equal(t, base, of("--init-seed", "1", "--data_seed", "1", "--dropout-seed", "1"), "all are --seed by default")

	init := of("--init-seed", "2")
	require.NotEqual(t, base.logits, init.logits)
	require.Equal(t, base.lines, init.lines)

	order := of("--data-seed", "2")
	require.Equal(t, base.logits, order.logits)
	require.NotEqual(t, base.lines, order.lines)
	require.ElementsMatch(t, base.lines, order.lines)

	drop := of("--dropout-seed", "2")
	require.Equal(t, base.logits, drop.logits)
	require.Equal(t, base.lines, drop.lines)
	require.NotEqual(t, base.loss, drop.loss)

	both := of("--init-seed", "2", "--data-seed", "2")
	require.Equal(t, init.logits, both.logits, "the logits are those of the init seed, whatever the data seed")
	require.Equal(t, order.lines, both.lines, "the order is that of the data seed, whatever the init seed")

	other := of("--seed", "2", "--init-seed", "1", "--data-seed", "1", "--dropout-seed", "1")
	require.Equal(t, base, other, "no chance is left to --seed")
}

// The seeds stand in the saved settings where they were given, and in the checkpoint always: a resumed run must have the same.
func TestSeedsAreSaved(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 24)
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"train", "--model", dir, "--data", rows, "--out", out, "--max-steps", "2", "--save-steps", "1", "--seed", "5", "--data-seed", "6"}
	code, text, errs := luthier(t, args...)
	require.Zero(t, code, errs)
	require.Contains(t, text, "initialisation 5, data 6, dropout 5")
	entries, err := readConfig(filepath.Join(out, configFile))
	require.NoError(t, err)
	saved := map[string]string{}
	for _, e := range entries {
		saved[e.key] = e.value
	}
	require.Equal(t, "5", saved["seed"])
	require.Equal(t, "6", saved["data_seed"])
	require.NotContains(t, saved, "init_seed", "left to --seed, so that another --seed changes it")

	raw, err := os.ReadFile(filepath.Join(out, "checkpoint-1", "manifest.json"))
	require.NoError(t, err)
	var m struct{ Settings map[string]any }
	require.NoError(t, json.Unmarshal(raw, &m))
	require.Equal(t, []any{5.0, 6.0, 5.0}, []any{m.Settings["init_seed"], m.Settings["data_seed"], m.Settings["dropout_seed"]})

	for _, name := range []string{"init-seed", "data-seed", "dropout-seed"} {
		code, _, errs = luthier(t, append(args[:len(args)-2:len(args)-2], "--data-seed", "6", "--"+name, "7", "--max-steps", "3", "--resume")...)
		require.Equal(t, exitCheckpoint, code, errs)
		require.Contains(t, errs, plainSetting(name))
	}
	code, _, errs = luthier(t, append(args[:len(args)-4], "--init-seed", "many")...)
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `--init-seed "many": want a whole number of at least 0`)
}

// plainSetting is a flag's name as a checkpoint has it.
func plainSetting(name string) string { return string(append([]byte(name[:len(name)-5]), "_seed"...)) }

// A run without gradients that starts from another seed's head is replayed from that head.
func TestSeedsApartReplay(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 16)
	out, again, plain := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "again"), filepath.Join(t.TempDir(), "plain")
	code, _, errs := luthier(t, mezoRun(dir, rows, out, "--init-seed", "18446744073709551615")...)
	require.Zero(t, code, errs)
	code, _, errs = luthier(t, "replay", "--model", dir, "--log", filepath.Join(out, replayLog), "--out", again)
	require.Zero(t, code, errs)
	same(t, out, again, "adapter_model.safetensors")
	code, _, errs = luthier(t, mezoRun(dir, rows, plain)...)
	require.Zero(t, code, errs)
	a, err := os.ReadFile(filepath.Join(out, "adapter_model.safetensors"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(plain, "adapter_model.safetensors"))
	require.NoError(t, err)
	require.NotEqual(t, a, b)

	code, _, errs = luthier(t, mezoRun(dir, rows, plain, "--overwrite", "--dropout-seed", "1")...)
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "--dropout-seed: mezo has no dropout")
}
