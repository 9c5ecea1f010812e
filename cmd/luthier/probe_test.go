package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/peft"
)

// TestE2EProbe starts heads from a linear probe, for a head with a bias and one without, where the method saves the head and where it
// trains everything. At a learning rate of next to nothing what is written is the start, and eval must measure what the probe announced.
func TestE2EProbe(t *testing.T) {
	rows := tinyLabels(t, 24)
	for _, kind := range []string{"bert", "llama"} {
		for _, method := range []string{"lora", "full"} {
			t.Run(kind+" "+method, func(t *testing.T) {
				out := filepath.Join(t.TempDir(), "out")
				code, text, errs := luthier(t, "train", "--model", tinyModel(t, kind), "--data", rows, "--method", method, "--linear-probe",
					"--linear-probe-l2", "0.001", "--lr", "1e-12", "--max-steps", "1", "--out", out, "--json")
				require.Zero(t, code, errs)
				var probe map[string]any
				for _, e := range answers(t, text) {
					if e["event"] == "probe" {
						probe = e
					}
				}
				require.Equal(t, []any{24.0, 16.0, 2.0, true}, []any{probe["rows"], probe["features"], probe["classes"], probe["converged"]})
				require.Equal(t, 1.0, probe["accuracy"])

				from := "--adapter"
				if method == "full" {
					from = "--model"
				}
				code, text, errs = luthier(t, "eval", from, out, "--data", rows, "--json")
				require.Zero(t, code, errs)
				m := answers(t, text)[0]["metrics"].(map[string]any)
				require.Equal(t, 1.0, m["accuracy"])
				require.InDelta(t, probe["loss"], m["loss"], 1e-5)
			})
		}
	}
}

// A resumed run does not fit again and ends where the run ends that was not stopped; another penalty is another run.
func TestE2EProbeResumes(t *testing.T) {
	out, rows := filepath.Join(t.TempDir(), "out"), tinyLabels(t, 24)
	args := []string{"train", "--model", tinyModel(t, "bert"), "--data", rows, "--linear-probe", "--max-steps", "4", "--save-steps", "2",
		"--lr", "1e-2", "--out", out}
	code, text, errs := luthier(t, args...)
	require.Zero(t, code, errs)
	require.Contains(t, text, "probe:    classifier starts from 24 x 16 features: training accuracy ")
	_, straight, err := peft.Load(out)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(out, "checkpoint-4")))

	code, _, errs = luthier(t, append(args, "--resume", "--linear-probe-l2", "3")...)
	require.Equal(t, exitCheckpoint, code)
	require.Contains(t, errs, "linear_probe_l2 was 1, is 3")
	code, text, errs = luthier(t, append(args, "--resume")...)
	require.Zero(t, code, errs)
	require.Contains(t, text, "probe:    not again")
	_, resumed, err := peft.Load(out)
	require.NoError(t, err)
	for i, x := range straight { // the float64 device keeps what a checkpoint rounds
		require.InDeltaSlice(t, x.Values, resumed[i].Values, 1e-5, x.Name)
	}
}

func TestProbeRefusals(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 8)
	for _, c := range []struct{ args, want string }{
		{"--linear-probe-l2 0", "--linear-probe-l2 0: want a positive number"},
		{"--linear-probe-l2 nan", "want a positive number"},
		{"--method full --train-only bert.encoder", "leaves classifier frozen and so would not save it: train it too (--train-only ...,classifier)"},
	} {
		out := filepath.Join(t.TempDir(), "out")
		args := append([]string{"train", "--model", dir, "--data", rows, "--out", out, "--linear-probe"}, strings.Fields(c.args)...)
		code, _, errs := luthier(t, args...)
		require.Equal(t, exitUsage, code, c.args)
		require.Contains(t, errs, c.want)
		require.NoDirExists(t, out)
	}
	text := filepath.Join(t.TempDir(), "text.txt")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("the good wood sings. ", 40)), 0o644))
	code, _, errs := luthier(t, "train", "--model", tinyModel(t, "llama"), "--data", text, "--out", filepath.Join(t.TempDir(), "out"), "--linear-probe")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "a clm run has no head of classes: leave it out")
}
