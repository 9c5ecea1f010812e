package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tinyTags writes sentences in CoNLL's columns: a first name begins a person, which a last name goes on with; a town is a place.
func tinyTags(t *testing.T, sentences int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("-DOCSTART- -X- O\n\n")
	for i := range sentences {
		first, town := []string{"good", "bad"}[i%2], []string{"the", "and"}[i/2%2]
		fmt.Fprintf(&b, "%s NN B-PER\n", first)
		if i%3 > 0 {
			b.WriteString("wood NN I-PER\n")
		}
		fmt.Fprintf(&b, "sing VB O\n%s NN B-LOC\n", town)
		if i%5 == 0 {
			b.WriteString(". . O\n")
		}
		b.WriteString("\n")
	}
	path := filepath.Join(t.TempDir(), "tags.conll")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	return path
}

// TestE2ETokens trains an adapter on words with tags, then measures, uses and merges it.
func TestE2ETokens(t *testing.T) {
	for _, kind := range []string{"bert", "llama"} {
		t.Run(kind, func(t *testing.T) {
			dir, rows := tinyModel(t, kind), tinyTags(t, 24)
			out := filepath.Join(t.TempDir(), "adapter")
			code, text, errs := luthier(t, "train", "--model", dir, "--task", "ner", "--data", rows, "--eval-data", rows, "--out", out,
				"--lr", "2e-2", "--epochs", "5", "--target-modules", "all-linear", "--batch-size", "8", "--metric-for-best-model", "f1")
			require.Zero(t, code, errs)
			require.Contains(t, text, "token-classify (4 classes: B-LOC, B-PER, I-PER, O)")
			require.Contains(t, text, "(best f1)")
			config, err := os.ReadFile(filepath.Join(out, "adapter_config.json"))
			require.NoError(t, err)
			require.Contains(t, string(config), `"task_type": "TOKEN_CLS"`)

			code, text, errs = luthier(t, "eval", "--adapter", out, "--data", rows, "--json")
			require.Zero(t, code, errs)
			m := answers(t, text)[0]["metrics"].(map[string]any)
			for _, name := range []string{"precision", "recall", "f1", "accuracy"} {
				require.Equal(t, 1.0, m[name], text)
			}

			code, text, errs = luthierIn(t, "good wood sing and\nbad sing\n", "predict", "--adapter", out)
			require.Zero(t, code, errs)
			require.Equal(t, "good\tB-PER\nwood\tI-PER\nsing\tO\nand\tB-LOC\n\nbad\tB-PER\nsing\tO\n", text)
			code, text, errs = luthierIn(t, "good wood sing and", "predict", "--adapter", out, "--json")
			require.Zero(t, code, errs)
			require.Equal(t, []any{map[string]any{"type": "PER", "from": 0.0, "to": 1.0, "text": "good wood"},
				map[string]any{"type": "LOC", "from": 3.0, "to": 3.0, "text": "and"}}, answers(t, text)[0]["entities"])

			merged := filepath.Join(t.TempDir(), "merged")
			code, _, errs = luthier(t, "merge", "--adapter", out, "--out", merged, "--dtype", "f32")
			require.Zero(t, code, errs)
			require.NoError(t, os.Remove(filepath.Join(merged, "luthier.json"))) // as transformers would find it
			code, folded, errs := luthier(t, "eval", "--model", merged, "--data", rows, "--json")
			require.Zero(t, code, errs)
			require.InDelta(t, m["loss"], answers(t, folded)[0]["metrics"].(map[string]any)["loss"], 1e-5)
			require.Equal(t, "token-classify", answers(t, folded)[0]["task"])
		})
	}
}

// TestTokensRefused names file, line and remedy.
func TestTokensRefused(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyTags(t, 6)
	out := filepath.Join(t.TempDir(), "model")
	code, _, errs := luthier(t, "train", "--model", dir, "--data", rows, "--out", out, "--method", "full", "--max-steps", "1")
	require.Zero(t, code, errs) // .conll says what it is
	bad := filepath.Join(t.TempDir(), "bad.conll")
	for text, want := range map[string]string{"good B-PER\nwood B-ORG\n": `bad.conll:2: tag "B-ORG" of "wood" is not one of the 4 the model knows`,
		"good B-PER\n\nthe wood O\n": "bad.conll:3: 3 columns where the first line has 2", "": "bad.conll: no examples"} {
		require.NoError(t, os.WriteFile(bad, []byte(text), 0o644))
		code, _, errs := luthier(t, "eval", "--model", out, "--data", bad)
		require.NotZero(t, code)
		require.Contains(t, errs, want)
	}
	pos := filepath.Join(t.TempDir(), "pos.jsonl")
	require.NoError(t, os.WriteFile(pos, []byte(`{"tokens": ["good", "wood"], "ner_tags": [0, 1]}`), 0o644))
	code, _, errs = luthier(t, "train", "--model", dir, "--data", pos, "--out", filepath.Join(t.TempDir(), "x"), "--max-steps", "1")
	require.Zero(t, code, errs)
	require.Contains(t, errs, "the tags are numbers without names")
	code, _, errs = luthier(t, "train", "--model", dir, "--data", pos, "--eval-data", pos, "--out", filepath.Join(t.TempDir(), "y"), "--max-steps", "1", "--metric", "f1")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "--metric f1: a token-classify run measures loss, accuracy")
	code, text, errs := luthier(t, "predict", "--model", out, "--max-length", "4", "good wood sing and the wood")
	require.Zero(t, code, errs)
	require.Contains(t, text, "wood\t_")
	require.Contains(t, errs, `line 1: "wood" has no tag: it was cut away at --max-length 4`)
}

// TestPredictArrayOnOneLine keeps rows apart that stand on one line of a file.
func TestPredictArrayOnOneLine(t *testing.T) {
	dir, rows := tinyModel(t, "bert"), tinyLabels(t, 24)
	out := filepath.Join(t.TempDir(), "adapter")
	code, _, errs := luthier(t, "train", "--model", dir, "--data", rows, "--out", out, "--lr", "2e-2", "--epochs", "8", "--target-modules", "all-linear")
	require.Zero(t, code, errs)
	var objects, want []string
	for i := range 6 {
		word, label := "good wood", "positive"
		if i%2 == 1 {
			word, label = "bad", "negative"
		}
		objects, want = append(objects, fmt.Sprintf(`{"text": %q}`, word)), append(want, label)
	}
	one := filepath.Join(t.TempDir(), "one.json")
	require.NoError(t, os.WriteFile(one, []byte("["+strings.Join(objects, ", ")+"]"), 0o644))
	code, text, errs := luthier(t, "predict", "--adapter", out, "--data", one, "--batch-size", "2", "--json")
	require.Zero(t, code, errs)
	var have []string
	for _, a := range answers(t, text) {
		have = append(have, a["label"].(string))
	}
	require.Equal(t, want, have)
}
