package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/zeroth"
)

// mezoRun trains without gradients into out.
func mezoRun(dir, rows, out string, more ...string) []string {
	return append([]string{"train", "--optim", "mezo", "--model", dir, "--data", rows, "--out", out, "--lr", "1e-3", "--batch-size", "8", "--max-steps", "6",
		"--hash-steps", "2", "--log-steps", "1", "--save-strategy", "no"}, more...)
}

// same compares files of two directories byte by byte.
func same(t *testing.T, a, b string, names ...string) {
	t.Helper()
	for _, n := range names {
		want, err := os.ReadFile(filepath.Join(a, n))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(b, n))
		require.NoError(t, err)
		require.Equal(t, want, got, n)
	}
}

// What a run wrote is what its log gives again, adapter or whole model.
func TestE2EReplay(t *testing.T) {
	rows := tinyLabels(t, 24)
	for _, c := range []struct{ kind, method, file string }{{"bert", "lora", "adapter_model.safetensors"}, {"llama", "lora", "adapter_model.safetensors"},
		{"bert", "full", "model.safetensors"}} {
		t.Run(c.kind+" "+c.method, func(t *testing.T) {
			dir, out, again := tinyModel(t, c.kind), filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "again")
			code, _, errs := luthier(t, mezoRun(dir, rows, out, "--method", c.method)...)
			require.Zero(t, code, errs)
			args := []string{"replay", "--model", dir, "--log", filepath.Join(out, replayLog), "--out", again}
			code, text, errs := luthier(t, args...)
			require.Zero(t, code, errs)
			require.Contains(t, text, "replayed: 6 steps of mezo")
			same(t, out, again, c.file, "luthier.json", "tokenizer.json")

			log, err := zeroth.Read(filepath.Join(out, replayLog))
			require.NoError(t, err)
			require.Len(t, log.Records, 6)
			require.Len(t, log.Hashes, 3)

			// On half of the way: the run that ends there.
			half, until := filepath.Join(t.TempDir(), "half"), filepath.Join(t.TempDir(), "until")
			code, _, errs = luthier(t, mezoRun(dir, rows, half, "--method", c.method, "--max-steps", "3")...)
			require.Zero(t, code, errs)
			code, _, errs = luthier(t, append(args[:len(args)-1:len(args)-1], until, "--until", "3")...)
			require.Zero(t, code, errs)
			same(t, half, until, c.file)
		})
	}
}

// Faults of a log, and of what it is replayed on, are named, with the code of a damaged checkpoint.
func TestReplayRefuses(t *testing.T) {
	dir, other, rows, out := tinyModel(t, "bert"), tinyModel(t, "bert"), tinyLabels(t, 16), filepath.Join(t.TempDir(), "out")
	code, _, errs := luthier(t, mezoRun(dir, rows, out)...)
	require.Zero(t, code, errs)
	path := filepath.Join(out, replayLog)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	replay := func(model string, log []byte, more ...string) (int, string) {
		file := filepath.Join(t.TempDir(), "log")
		require.NoError(t, os.WriteFile(file, log, 0o644))
		into := filepath.Join(t.TempDir(), "again")
		code, _, errs := luthier(t, append([]string{"replay", "--model", model, "--log", file, "--out", into}, more...)...)
		if code != 0 {
			require.NoDirExists(t, into)
		}
		return code, errs
	}
	// Another base model: one weight differs by a bit.
	weights := filepath.Join(other, "model.safetensors")
	w, err := os.ReadFile(weights)
	require.NoError(t, err)
	w[len(w)-1] ^= 1
	require.NoError(t, os.WriteFile(weights, w, 0o644))
	code, errs = replay(other, raw)
	require.Equal(t, exitCheckpoint, code, errs)
	require.Contains(t, errs, "is not the base model")

	flipped := append([]byte(nil), raw...)
	flipped[len(flipped)-40] ^= 1 << 3
	code, errs = replay(dir, flipped)
	require.Equal(t, exitCheckpoint, code, errs)
	require.Contains(t, errs, "bit 3 is flipped")

	code, errs = replay(dir, raw[:len(raw)-50])
	require.Equal(t, exitCheckpoint, code, errs)
	require.Contains(t, errs, "is cut")
	code, errs = replay(dir, raw[:len(raw)-50], "--until", "5")
	require.Zero(t, code, errs)
	require.Contains(t, errs, "is cut")

	code, errs = replay(dir, []byte("nothing of the kind"))
	require.NotZero(t, code)
	require.Contains(t, errs, "is no log of a run")
}

// A perturbation of no sense: no loss is a number. The steps are skipped and counted, and the run ends with the code of divergence.
func TestSkippedStepsEndTheRun(t *testing.T) {
	dir, rows := tinyModel(t, "llama"), tinyLabels(t, 16)
	skipping := func(more ...string) (int, string, string) {
		out := filepath.Join(t.TempDir(), "out")
		code, _, errs := luthier(t, mezoRun(dir, rows, out, append([]string{"--method", "full", "--eps", "1e30", "--max-steps", "8"}, more...)...)...)
		return code, errs, out
	}
	code, errs, out := skipping("--max-skipped", "3")
	require.Equal(t, 6, code, errs)
	require.Contains(t, errs, "step 4", "the fourth in a row is one too many")
	require.NoFileExists(t, filepath.Join(out, "model.safetensors"))

	code, errs, out = skipping("--max-skipped", "8")
	require.Equal(t, 6, code, "a run that made no update has trained nothing: %s", errs)
	require.NoFileExists(t, filepath.Join(out, "model.safetensors"))
	log, err := zeroth.Read(filepath.Join(out, replayLog))
	require.NoError(t, err)
	require.Len(t, log.Records, 8)
	for _, r := range log.Records {
		require.True(t, r.Skipped())
	}
	for _, h := range log.Hashes {
		require.Equal(t, log.Header.Start[:48], hex.EncodeToString(h.Sum[:]), "nothing moved")
	}
}

// Metrics have no gradient, and are objectives all the same: a run by one measures it, and its slopes are multiples of what a step of one
// row's answer makes.
func TestObjectivesWithoutAGradient(t *testing.T) {
	rows := tinyLabels(t, 24)
	for _, kind := range []string{"bert", "llama"} {
		dir := tinyModel(t, kind)
		for _, objective := range []string{"accuracy", "f1"} {
			out := filepath.Join(t.TempDir(), "out")
			code, _, errs := luthier(t, mezoRun(dir, rows, out, "--objective", objective, "--eps", "0.1", "--method", "full")...)
			require.Zero(t, code, errs)
			log, err := zeroth.Read(filepath.Join(out, replayLog))
			require.NoError(t, err)
			moved := 0
			for _, r := range log.Records {
				if r.G != 0 {
					moved++
				}
				if objective == "accuracy" {
					eighths := float64(r.G) * 0.2 * 8 // (plus - minus) in rows of a batch of 8
					require.InDelta(t, float64(int(eighths+100.5)-100), eighths, 1e-5)
				}
			}
			require.NotZero(t, moved, "%s, %s", kind, objective)
		}
	}
	code, _, errs := luthier(t, mezoRun(tinyModel(t, "bert"), rows, filepath.Join(t.TempDir(), "out"), "--objective", "spearmanr")...)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "--objective spearmanr")
	require.Contains(t, errs, "accuracy")
}

// Every variant trains, writes a log and is replayed to its bytes, with accumulated batches too.
func TestEveryVariantReplays(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 16)
	for i, name := range zeroth.Variants() {
		out, again := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "again")
		code, _, errs := luthier(t, mezoRun(dir, rows, out, "--optim", name, "--accumulate", fmt.Sprint(1+i%2), "--max-steps", "3")...)
		require.Zero(t, code, "%s: %s", name, errs)
		log, err := zeroth.Read(filepath.Join(out, replayLog))
		require.NoError(t, err)
		require.Equal(t, name, log.Header.Optimizer)
		code, _, errs = luthier(t, "replay", "--model", dir, "--log", filepath.Join(out, replayLog), "--out", again)
		require.Zero(t, code, "%s: %s", name, errs)
		same(t, out, again, "adapter_model.safetensors")
	}
}
