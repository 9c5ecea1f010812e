package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/internal/testdev"
	"luthier/model/safetensors"
)

// An adapter starts from numbers that no file holds: `replay --until 0` writes them, and scripts/replay.py goes on from there to the run's bytes.
func TestPythonReplaysAnAdapter(t *testing.T) {
	python := testdev.Numpy(t)
	dir, out, start := tinyModel(t, "bert"), filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "start")
	code, _, errs := luthier(t, mezoRun(dir, tinyLabels(t, 24), out, "--method", "lora")...)
	require.Zero(t, code, errs)
	log, again := filepath.Join(out, replayLog), filepath.Join(t.TempDir(), "again.safetensors")
	script := filepath.Join("..", "..", "scripts", "replay.py")

	said, err := exec.Command(python, script, filepath.Join(dir, "model.safetensors"), log, again).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(said), "`luthier replay --until 0` writes the file that the run started from")

	code, _, errs = luthier(t, "replay", "--model", dir, "--log", log, "--out", start, "--until", "0")
	require.Zero(t, code, errs)
	said, err = exec.Command(python, script, filepath.Join(start, "adapter_model.safetensors"), log, again).CombinedOutput()
	require.NoError(t, err, "%s", said)
	want, err := safetensors.Open(filepath.Join(out, "adapter_model.safetensors"))
	require.NoError(t, err)
	defer want.Close()
	got, err := safetensors.Open(again)
	require.NoError(t, err)
	defer got.Close()
	require.Equal(t, want.Names(), got.Names())
	for _, n := range want.Names() {
		a, _ := want.Tensor(n)
		b, _ := got.Tensor(n)
		require.Equal(t, a.Data, b.Data, n)
	}
}
