package main

import (
	"encoding/json"
	"io"
	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// answers reads JSON lines.
func answers(t *testing.T, out string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out) {
		var v map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &v), line)
		all = append(all, v)
	}
	return all
}

// probabilities of the first label, by row.
func probabilities(t *testing.T, out string) (ps []float64) {
	t.Helper()
	for _, a := range answers(t, out) {
		ps = append(ps, a["probabilities"].(map[string]any)["positive"].(float64))
	}
	return ps
}

// TestE2EClassify trains an adapter, then uses, measures and merges it.
func TestE2EClassify(t *testing.T) {
	for _, kind := range []string{"bert", "llama"} {
		t.Run(kind, func(t *testing.T) {
			dir, rows := tinyModel(t, kind), tinyLabels(t, 24)
			out := filepath.Join(t.TempDir(), "adapter")
			code, text, errs := luthier(t, "train", "--model_name_or_path", dir, "--data", rows, "--eval-data", rows, "--output_dir", out,
				"--lr", "2e-2", "--epochs", "8", "--target-modules", "all-linear", "--batch-size", "8", "--log-steps", "3", "--bf16", "True")
			require.Zero(t, code, errs)
			require.Contains(t, text, "trainable params: ")
			require.Contains(t, errs, "--bf16 has no effect")
			for _, f := range []string{"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md",
				"run.yaml", "luthier.json", "trainer_state.json", "metrics.jsonl", "loss.svg", "checkpoint-24/manifest.json"} {
				require.FileExists(t, filepath.Join(out, f))
			}

			code, text, errs = luthier(t, "eval", "--adapter", out, "--data", rows, "--json")
			require.Zero(t, code, errs)
			require.Equal(t, 1.0, answers(t, text)[0]["metrics"].(map[string]any)["accuracy"], text)

			code, text, errs = luthierIn(t, "good wood number 2\nbad wood number 3\n", "predict", "--adapter", out)
			require.Zero(t, code, errs)
			require.Regexp(t, `(?s)^positive\t0\.\d+\tgood wood.*\nnegative\t0\.\d+\tbad wood`, text)

			merged := filepath.Join(t.TempDir(), "merged")
			code, _, errs = luthier(t, "merge", "--adapter", out, "--out", merged, "--dtype", "f32")
			require.Zero(t, code, errs)
			_, applied, _ := luthier(t, "predict", "--adapter", out, "--data", rows, "--json")
			code, folded, errs := luthier(t, "predict", "--model", merged, "--data", rows, "--json")
			require.Zero(t, code, errs)
			require.InDeltaSlice(t, probabilities(t, applied), probabilities(t, folded), 2e-5)
		})
	}
}

// TestE2EFull trains every weight: the result is a model that needs no base.
func TestE2EFull(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 24)
	out := filepath.Join(t.TempDir(), "model")
	args := []string{"train", "--method", "full", "--model", dir, "--data", rows, "--out", out, "--lr", "1e-2", "--epochs", "6"}
	code, _, errs := luthier(t, args...)
	require.Zero(t, code, errs)
	require.NoError(t, os.RemoveAll(dir))
	small := filepath.Join(t.TempDir(), "bf16")
	code, _, errs = luthier(t, "merge", "--model", out, "--dtype", "bf16", "--out", small)
	require.Zero(t, code, errs)
	code, shown, errs := luthier(t, "inspect", small, "--json")
	require.Zero(t, code, errs)
	require.Len(t, answers(t, shown)[0]["by_dtype"], 1, shown)
	code, text, errs := luthier(t, "eval", "--model", out, "--data", rows, "--json")
	require.Zero(t, code, errs)
	require.Equal(t, 1.0, answers(t, text)[0]["metrics"].(map[string]any)["accuracy"], text)
}

// untie gives the model in dir a vocabulary head of its own, equal to its embedding.
func untie(t *testing.T, dir string) {
	editJSON(t, filepath.Join(dir, "config.json"), map[string]any{"tie_word_embeddings": false})
	m, err := safetensors.OpenModel(dir)
	require.NoError(t, err)
	defer m.Close()
	var all []safetensors.Out
	for _, n := range m.Names() {
		x, _ := m.Tensor(n)
		all = append(all, safetensors.Copy(x))
		if n == "model.embed_tokens.weight" {
			head := safetensors.Copy(x)
			head.Name = "lm_head.weight"
			all = append(all, head)
		}
	}
	require.NoError(t, atomicfile.WriteFile(filepath.Join(dir, "model.safetensors"), 0o644, func(w io.Writer) error { return safetensors.Write(w, all, nil) }))
}

// TestE2EText trains on text and goes on from the adapter; the same seed generates the same text. The head is trained whole: a random one
// of small numbers, left as it is, bounds what any adapter below it can reach.
func TestE2EText(t *testing.T) {
	dir := tinyModel(t, "llama")
	untie(t, dir)
	text := filepath.Join(t.TempDir(), "text.txt")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("the good wood and the bad wood sing. ", 60)), 0o644))
	out := filepath.Join(t.TempDir(), "adapter")
	code, _, errs := luthier(t, "train", "--model", dir, "--data", text, "--out", out, "--max-length", "32", "--lr", "3e-2", "--max-steps", "12",
		"--batch-size", "4", "--accumulate", "2", "--target-modules", "all-linear", "--lora-r", "16", "--modules-to-save", "lm_head")
	require.Zero(t, code, errs)
	measure := func(args ...string) float64 {
		code, o, e := luthier(t, append([]string{"eval", "--data", text, "--max-length", "32", "--json"}, args...)...)
		require.Zero(t, code, e)
		return answers(t, o)[0]["metrics"].(map[string]any)["loss"].(float64)
	}
	require.Less(t, measure("--adapter", out), 0.8*measure("--model", dir))

	sample := []string{"generate", "--adapter", out, "--temperature", "0.8", "--top-k", "20", "--seed", "5", "--max-new-tokens", "12", "--json", "the good"}
	code, first, errs := luthier(t, sample...)
	require.Zero(t, code, errs)
	_, second, _ := luthier(t, sample...)
	require.Equal(t, answers(t, first)[0]["ids"], answers(t, second)[0]["ids"])

	next := filepath.Join(t.TempDir(), "next")
	code, _, errs = luthier(t, "train", "--model", dir, "--init-adapter", out, "--data", text, "--out", next, "--max-length", "32", "--max-steps", "1",
		"--lr", "1e-9", "--batch-size", "4")
	require.Zero(t, code, errs)
	require.InDelta(t, measure("--adapter", out), measure("--adapter", next), 1e-4)
}
