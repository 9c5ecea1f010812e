package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tinyPairs writes pairs of texts with a number: the first text's word weighs more than the second's.
func tinyPairs(t *testing.T, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("text_a\ttext_b\tscore\n")
	for i := range rows {
		x, y := i%2, i/2%2
		fmt.Fprintf(&b, "%s\tthe %s\t%g\n", []string{"good", "bad"}[x], []string{"wood", "sing"}[y], 2-3*float64(x)-float64(y))
	}
	path := filepath.Join(t.TempDir(), "pairs.tsv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	return path
}

// TestE2ERegress learns a number for pairs, and gives it back from an adapter and from a whole model.
func TestE2ERegress(t *testing.T) {
	for kind, args := range map[string][]string{"bert": {"--method", "full", "--lr", "1e-2", "--epochs", "24"},
		"llama": {"--target-modules", "all-linear", "--lr", "3e-2", "--epochs", "12"}} {
		t.Run(kind, func(t *testing.T) {
			dir, rows := tinyModel(t, kind), tinyPairs(t, 16)
			out := filepath.Join(t.TempDir(), "out")
			code, text, errs := luthier(t, append([]string{"train", "--model", dir, "--task", "regress", "--data", rows, "--out", out, "--batch-size", "8",
				"--save-strategy", "no"}, args...)...)
			require.Zero(t, code, errs)
			require.Contains(t, text, "task:     regress,")
			from := "--adapter"
			if kind == "bert" {
				from = "--model"
			}
			code, text, errs = luthier(t, "eval", from, out, "--data", rows, "--json")
			require.Zero(t, code, errs)
			m := answers(t, text)[0]["metrics"].(map[string]any)
			require.Greater(t, m["pearson"], 0.95, text)
			require.Greater(t, m["spearmanr"], 0.99, text)
			require.Less(t, m["mse"], 0.3, text) // the numbers have a variance of 2.5
			require.InDelta(t, m["loss"], m["mse"], 1e-5)

			ask := func(from, dir string) (out []float64) {
				code, text, errs := luthierIn(t, "good\tthe wood\nbad\tthe sing\n", "predict", from, dir, "--json")
				require.Zero(t, code, errs)
				for _, a := range answers(t, text) {
					out = append(out, a["value"].(float64))
				}
				return out
			}
			values := ask(from, out)
			require.InDeltaSlice(t, []float64{2, -2}, values, 1)
			merged := filepath.Join(t.TempDir(), "merged")
			code, _, errs = luthier(t, "merge", from, out, "--out", merged, "--dtype", "f32")
			require.Zero(t, code, errs)
			require.NoError(t, os.RemoveAll(filepath.Join(merged, "luthier.json"))) // config.json says that it is one number
			require.InDeltaSlice(t, values, ask("--model", merged), 1e-4)
		})
	}
}
