package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
	"luthier/zeroth"
)

// bf16Classifier is a model whose checkpoint has a head of four classes, all of it in bf16, and rows for it.
func bf16Classifier(t *testing.T) (dir, rows string) {
	t.Helper()
	rows = filepath.Join(t.TempDir(), "rows.tsv")
	var b strings.Builder
	b.WriteString("text\tlabel\n")
	for i := range 40 {
		fmt.Fprintf(&b, "%s wood number %d\tclass %d\n", []string{"good", "bad", "the", "sing"}[i%4], i, i%4)
	}
	require.NoError(t, os.WriteFile(rows, []byte(b.String()), 0o644))
	dir = filepath.Join(t.TempDir(), "model")
	code, _, errs := luthier(t, mezoRun(tinyModel(t, "bert"), rows, dir, "--method", "full", "--max-steps", "1")...)
	require.Zero(t, code, errs)
	m, err := safetensors.OpenModel(dir)
	require.NoError(t, err)
	var out []safetensors.Out
	for _, n := range m.Names() {
		x, _ := m.Tensor(n)
		values := make([]float32, x.Elems())
		require.NoError(t, x.Float32(values))
		out = append(out, safetensors.FromFloat32(n, safetensors.BF16, x.Shape, values))
	}
	into := t.TempDir()
	require.NoError(t, safetensors.WriteModel(into, out, 0))
	require.NoError(t, m.Close())
	require.NoError(t, os.Rename(filepath.Join(into, "model.safetensors"), filepath.Join(dir, "model.safetensors")))
	return dir, rows
}

// A run that saved no checkpoint goes on from its log to the bytes of a run that never stopped, over the end of an epoch, with accumulated
// batches and with a head that neither the checkpoint nor the seed gives again. Its settings must be those that it had.
func TestResumeFromTheLog(t *testing.T) {
	bf16, four := bf16Classifier(t)
	for _, c := range []struct{ name, model, rows string }{{"a new head", tinyModel(t, "bert"), tinyLabels(t, 40)}, {"a head in bf16", bf16, four}} {
		t.Run(c.name, func(t *testing.T) {
			straight, halted, again := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "c")
			run := func(out string, more ...string) (int, string) {
				code, _, errs := luthier(t, append(mezoRun(c.model, c.rows, out, "--method", "full", "--linear-probe", "--accumulate", "2"), more...)...)
				return code, errs
			}
			code, errs := run(straight, "--max-steps", "7")
			require.Zero(t, code, errs)
			code, errs = run(halted, "--max-steps", "4") // of 3 steps an epoch
			require.Zero(t, code, errs)
			log, err := os.ReadFile(filepath.Join(halted, replayLog))
			require.NoError(t, err)

			code, errs = run(halted, "--max-steps", "7", "--resume", "--batch-size", "4")
			require.NotZero(t, code)
			require.Contains(t, errs, "batch_size was 8, is 4")
			kept, err := os.ReadFile(filepath.Join(halted, replayLog))
			require.NoError(t, err)
			require.Equal(t, log, kept, "a run that is refused changes nothing")

			code, errs = run(halted, "--max-steps", "7", "--resume")
			require.Zero(t, code, errs)
			same(t, straight, halted, "model.safetensors", replayLog)

			code, _, errs = luthier(t, "replay", "--model", c.model, "--log", filepath.Join(halted, replayLog), "--out", again)
			require.Zero(t, code, errs)
			same(t, straight, again, "model.safetensors")
		})
	}
}

// --force does not make a log go on with noise that it does not have: the weights would move along directions that nobody measured.
func TestForceKeepsTheNoise(t *testing.T) {
	dir, rows, out := tinyModel(t, "bert"), tinyLabels(t, 16), filepath.Join(t.TempDir(), "out")
	args := mezoRun(dir, rows, out, "--save-strategy", "steps", "--save-steps", "3")
	code, _, errs := luthier(t, args...)
	require.Zero(t, code, errs)
	longer := append(args[:len(args):len(args)], "--max-steps", "9", "--resume", "--force")
	code, _, errs = luthier(t, append(longer, "--noise", "gaussian")...)
	require.NotZero(t, code)
	require.Contains(t, errs, "the noise was rademacher, is gaussian")
	l, err := zeroth.Read(filepath.Join(out, replayLog))
	require.NoError(t, err)
	require.Len(t, l.Records, 6)

	code, _, errs = luthier(t, "train", "--model", dir, "--data", rows, "--out", out, "--max-steps", "1", "--overwrite")
	require.Zero(t, code, errs)
	require.NoFileExists(t, filepath.Join(out, replayLog), "the log of the run that was replaced")
}
