package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model"
)

// tinyMasked is a tiny BERT without the vocabulary head, whose mask is <eos>, and lines of text.
func tinyMasked(t *testing.T) (dir, text string) {
	t.Helper()
	dir = tinyModel(t, "bert")
	editJSON(t, filepath.Join(dir, "tokenizer_config.json"), map[string]any{"mask_token": "<eos>"})
	text = filepath.Join(t.TempDir(), "text.txt")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("the good wood and the bad wood sing.\n\n", 48)), 0o644))
	return dir, text
}

func whole(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(raw)
}

// measured is what eval says of hidden tokens.
func measured(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, out, errs := luthier(t, append([]string{"eval", "--json", "--task", "mlm", "--max-length", "32"}, args...)...)
	require.Zero(t, code, errs)
	return answers(t, out)[0]["metrics"].(map[string]any)
}

// TestE2EMasked trains a language model on hidden tokens from a checkpoint without the head, uses, measures and merges it. Evaluation hides
// the same tokens whatever the seed and the batch.
func TestE2EMasked(t *testing.T) {
	for _, method := range []string{"lora", "full"} {
		t.Run(method, func(t *testing.T) {
			dir, text := tinyMasked(t)
			out := filepath.Join(t.TempDir(), "out")
			before := measured(t, "--model", dir, "--data", text)
			code, shown, errs := luthier(t, "train", "--task", "mlm", "--method", method, "--model", dir, "--data", text, "--eval-data", text, "--out", out,
				"--lr", "2e-2", "--epochs", "10", "--max-length", "32", "--batch-size", "4")
			require.Zero(t, code, errs)
			require.Contains(t, shown, "fresh:    cls.predictions.bias, cls.predictions.transform.LayerNorm.bias")

			use := []string{"--adapter", out}
			if method == "full" {
				use = []string{"--model", out}
			} else {
				raw := whole(t, filepath.Join(out, "adapter_config.json"))
				for _, part := range []string{`"cls.predictions.transform.dense"`, `"cls.predictions.transform.LayerNorm"`} {
					require.Contains(t, raw, part, "the fresh head is kept")
				}
			}
			after := measured(t, append(use, "--data", text)...)
			down := map[string]float64{"lora": 0.04, "full": 1}[method] // what an adapter can do above random embeddings is little
			require.Less(t, after["loss"].(float64), before["loss"].(float64)-down)
			if method == "full" {
				require.Greater(t, after["accuracy"].(float64), before["accuracy"].(float64)+0.1)
			}
			require.Equal(t, after["accuracy"], measured(t, append(use, "--data", text, "--seed", "7", "--batch-size", "3")...)["accuracy"])
			history := answers(t, whole(t, filepath.Join(out, "metrics.jsonl")))
			require.InDelta(t, after["loss"], history[len(history)-1]["eval_loss"], 2e-3, "eval and the run hide the same tokens")

			merged := filepath.Join(t.TempDir(), "merged")
			code, _, errs = luthier(t, append([]string{"merge", "--out", merged, "--dtype", "f32"}, use...)...)
			require.Zero(t, code, errs)
			require.InDelta(t, after["loss"], measured(t, "--model", merged, "--data", text)["loss"], 1e-6)
			config, err := model.ReadConfig(merged)
			require.NoError(t, err)
			require.Equal(t, []string{"BertForMaskedLM"}, config.Architectures)

			code, shown, errs = luthier(t, "predict", "--model", merged, "--json", "--top-k", "3", "the good w<eos>d and the bad wood sing.")
			require.Zero(t, code, errs)
			words := answers(t, shown)[0]["masks"].([]any)[0].([]any)
			require.Len(t, words, 3)
			require.Greater(t, words[0].(map[string]any)["probability"], words[1].(map[string]any)["probability"])
			code, _, errs = luthier(t, "predict", "--task", "mlm", "--model", merged, "no mask here")
			require.Equal(t, 3, code, errs)
			require.Contains(t, errs, "arguments:1: has no <eos> in its first")
		})
	}
}

// TestMaskedResume: a run that goes on in the middle of an epoch ends in the bytes of one that was never stopped, with gradients and without.
func TestMaskedResume(t *testing.T) {
	for _, optim := range []string{"adamw", "mezo"} {
		t.Run(optim, func(t *testing.T) {
			device := adapter(t) // float64 would lose bits in the f32 of a checkpoint
			dir, text := tinyMasked(t)
			out := filepath.Join(t.TempDir(), "out")
			train := func(more ...string) (int, string) {
				var o, e bytes.Buffer
				code := run(context.Background(), append([]string{"train", "--task", "mlm", "--model", dir, "--data", text, "--out", out, "--max-length", "32",
					"--batch-size", "4", "--max-steps", "9", "--save-steps", "4", "--schedule", "constant", "--optim", optim, "--mlm-probability", "0.3",
					"--save-total-limit", "0", "--device", device}, more...), strings.NewReader(""), &o, &e)
				return code, e.String()
			}
			code, errs := train()
			require.Zero(t, code, errs)
			want := whole(t, filepath.Join(out, "adapter_model.safetensors"))
			require.NoError(t, os.RemoveAll(filepath.Join(out, "checkpoint-9")))
			require.NoError(t, os.RemoveAll(filepath.Join(out, "checkpoint-8")))
			require.NoError(t, os.Remove(filepath.Join(out, "adapter_model.safetensors")))
			code, errs = train("--resume")
			require.Zero(t, code, errs)
			require.True(t, want == whole(t, filepath.Join(out, "adapter_model.safetensors")), "the same bytes")

			code, errs = train("--resume", "--mlm-probability", "0.2")
			require.Equal(t, 8, code, errs)
			require.Contains(t, errs, "mlm_probability")
		})
	}
}

func TestMaskedRefuses(t *testing.T) {
	dir, text := tinyMasked(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--mlm-probability", "0"}, 2, "--mlm-probability 0: want a share above 0, to 1"},
		{[]string{"--mlm-probability", "nan"}, 2, "--mlm-probability NaN"},
		{[]string{"--whole-word-mask"}, 2, "do not say which of them continue a word"},
		{[]string{"--method", "full", "--train-only", "bert.encoder"}, 2, "would not train it"},
		{[]string{"--model", tinyModel(t, "bert")}, 2, "names no mask_token"},
		{[]string{"--model", tinyModel(t, "llama")}, 2, "a llama model has no such task"},
	} {
		code, _, errs := luthier(t, append([]string{"train", "--task", "mlm", "--model", dir, "--data", text, "--out", out}, c.args...)...)
		require.Equal(t, c.code, code, errs)
		require.Contains(t, errs, c.want)
	}
}
