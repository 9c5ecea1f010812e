package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStrangersAreTold: a config with fewer layers than the checkpoint computes another model, and the run says so; of a whole one it says
// nothing.
func TestStrangersAreTold(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 4)
	for _, args := range [][]string{{"eval", "--model", dir, "--data", rows}, {"plan", "--model", dir, "--data", rows}} {
		code, _, errs := luthier(t, args...)
		require.Zero(t, code, errs)
		require.NotContains(t, errs, "no place")
	}
	editJSON(t, filepath.Join(dir, "config.json"), map[string]any{"num_hidden_layers": 1})
	for _, args := range [][]string{{"eval", "--model", dir, "--data", rows}, {"plan", "--model", dir, "--data", rows}} {
		code, _, errs := luthier(t, args...)
		require.Zero(t, code, errs)
		require.Contains(t, errs, "luthier: "+dir+": 16 tensors of the checkpoint have no place: bert.encoder.layer.1.attention.output.LayerNorm.bias, "+
			"bert.encoder.layer.1.attention.output.LayerNorm.weight, bert.encoder.layer.1.attention.output.dense.bias, ...\n")
	}
}

// poolable is a Llama without a pad_token_id in its config, and rows of several lengths.
func poolable(t *testing.T) (dir, rows string) {
	dir, rows = tinyModel(t, "llama"), filepath.Join(t.TempDir(), "rows.tsv")
	editJSON(t, filepath.Join(dir, "config.json"), map[string]any{"pad_token_id": nil})
	var b strings.Builder
	b.WriteString("text\tlabel\n")
	for i := range 8 {
		fmt.Fprintf(&b, "%s\t%d\n", strings.Repeat([]string{"good ", "bad "}[i%2], i+1), i%2)
	}
	require.NoError(t, os.WriteFile(rows, []byte(b.String()), 0o644))
	return dir, rows
}

// TestPadTokenOfClassifiers: transformers classifies more than one text with a decoder only where config.json says what padding is.
func TestPadTokenOfClassifiers(t *testing.T) {
	dir, rows := poolable(t)
	config := func(dir string) map[string]any {
		raw, err := os.ReadFile(filepath.Join(dir, "config.json"))
		require.NoError(t, err)
		var c map[string]any
		require.NoError(t, json.Unmarshal(raw, &c))
		return c
	}
	base := t.TempDir()
	for _, task := range []string{"classify", "regress", "token-classify"} {
		out, data := filepath.Join(base, task), rows
		var want any = 0.0 // <pad>, by tinyModel
		if task == "token-classify" {
			data, want = tinyTags(t, 6), nil
		}
		ran(t, "train", "--model", dir, "--data", data, "--task", task, "--out", out, "--max-steps", "1")
		card, err := os.ReadFile(filepath.Join(out, "README.md"))
		require.NoError(t, err)
		require.Equal(t, want != nil, strings.Contains(string(card), "\nmodel.config.pad_token_id = 0 "), "%s", card)
		ran(t, "merge", "--adapter", out, "--out", out+"-merged")
		ran(t, "train", "--model", dir, "--data", data, "--task", task, "--out", out+"-full", "--max-steps", "1", "--method", "full")
		for _, made := range []string{out + "-merged", out + "-full"} {
			require.Equal(t, want, config(made)["pad_token_id"], made)
		}
	}
	mute := filepath.Join(base, "mute")
	require.NoError(t, os.CopyFS(mute, os.DirFS(dir)))
	require.NoError(t, os.Remove(filepath.Join(mute, "tokenizer.json")))
	code, _, errs := luthier(t, "merge", "--adapter", filepath.Join(base, "classify"), "--model", mute, "--out", filepath.Join(base, "untold"))
	require.Zero(t, code, errs)
	require.Contains(t, errs, "untold gets no pad_token_id")
	require.Nil(t, config(filepath.Join(base, "untold"))["pad_token_id"])
}
