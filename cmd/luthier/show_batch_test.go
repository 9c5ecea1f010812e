package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/data"
	"luthier/model"
)

// shown runs show-batch with --json: the line on the data set, and the rows.
func shown(t *testing.T, args ...string) (set map[string]any, rows []map[string]any) {
	t.Helper()
	code, out, errs := luthier(t, append([]string{"show-batch", "--json"}, args...)...)
	require.Zero(t, code, errs)
	all := answers(t, out)
	return all[0], all[1:]
}

// textOf joins the tokens of a row: all, or those that are trained on or not.
func textOf(row map[string]any, pick func(trained bool) bool) string {
	var s strings.Builder
	for _, x := range row["tokens"].([]any) {
		if k := x.(map[string]any); pick(k["trained"].(bool)) {
			s.WriteString(k["text"].(string))
		}
	}
	return s.String()
}

// TestShowBatchIsTrainsFirst: the rows are those of a run's first batches, in its order, with the labels of the file.
func TestShowBatchIsTrainsFirst(t *testing.T) {
	dir, rows := tinyModel(t, "llama"), tinyLabels(t, 24)
	tok, err := data.LoadTokenizer(dir)
	require.NoError(t, err)
	examples, _, err := data.LoadClassification(rows, data.Columns{})
	require.NoError(t, err)
	seqs, _, err := data.EncodeExamples(tok, examples, nil, nil, 64)
	require.NoError(t, err)
	l, err := data.NewLoader(seqs, data.LoaderOptions{BatchSize: 5, Seed: 7})
	require.NoError(t, err)
	_, got := shown(t, "--model", dir, "--data", rows, "--seed", "7", "--batch-size", "5", "--batches", "6") // an epoch has five
	require.Len(t, got, 24+5)
	for len(got) > 0 {
		b, more := l.Next()
		if !more {
			continue
		}
		for _, line := range b.Lines {
			require.EqualValues(t, line, got[0]["line"])
			e := examples[line-2]
			require.Equal(t, e.Text, textOf(got[0], func(bool) bool { return true }))
			require.Equal(t, e.Label, got[0]["label"])
			got = got[1:]
		}
	}
}

// TestShowBatchOfAnswers: the loss looks at completions alone; what is cut and what is left out is counted.
func TestShowBatchOfAnswers(t *testing.T) {
	dir := tinyModel(t, "llama")
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	long := strings.Repeat("the good wood ", 40)
	require.NoError(t, os.WriteFile(path, []byte(`{"prompt":"the wood","completion":" sing"}
{"prompt":"the bad wood","completion":" `+long+`"}
{"prompt":"`+long+`","completion":" sing"}
`), 0o644))
	tok, err := data.LoadTokenizer(dir)
	require.NoError(t, err)
	n := func(s string) int { return len(tok.Encode(s, false)) }
	set, rows := shown(t, "--model", dir, "--data", path, "--max-length", "16", "--no-shuffle")
	require.Len(t, rows, 2)
	trained, read := func(b bool) bool { return b }, func(b bool) bool { return !b }
	require.Equal(t, []string{" sing<eos>", "the wood"}, []string{textOf(rows[0], trained), textOf(rows[0], read)})
	require.Equal(t, "the bad wood", textOf(rows[1], read))
	require.True(t, strings.HasPrefix(" "+long, textOf(rows[1], trained)))
	lost := n("the bad wood "+long) + 1 - 16 // with its EOS
	require.EqualValues(t, lost, rows[1]["tokens_cut"])
	require.EqualValues(t, 0, rows[0]["tokens_cut"])
	require.EqualValues(t, lost+n(long+" sing")+1-16, set["tokens_cut"])
	require.EqualValues(t, 1, set["rows_left_out"])
	require.EqualValues(t, 1, set["ends_trained"])
	require.EqualValues(t, n(" sing")+1+16-n("the bad wood"), set["tokens_trained"])
	require.EqualValues(t, 32-16, rows[1]["padding"])

	code, out, errs := luthier(t, "show-batch", "--model", dir, "--data", path, "--max-length", "16", "--no-shuffle")
	require.Zero(t, code, errs)
	require.NotContains(t, out, "\x1b", "no colours outside a terminal")
	require.Regexp(t, `\{\+[^{}]*sing¦<eos>\+\}`, out)
	require.Contains(t, out, "2 of 3 rows, which lose")
	require.Contains(t, out, "left out: 1 row with no token to train on")
}

func TestShowBatchColours(t *testing.T) {
	dir := tinyModel(t, "llama")
	path := filepath.Join(t.TempDir(), "text.txt")
	require.NoError(t, os.WriteFile(path, []byte("the \x1b[31mgood\r wood\tand the bad wood sing\n"), 0o644))
	args := []string{"show-batch", "--model", dir, "--data", path}
	t.Setenv("NO_COLOR", "1") // an explicit --color is stronger
	_, colored, _ := luthier(t, append(args, "--color", "always")...)
	require.Contains(t, colored, green)
	_, marked, _ := luthier(t, append(args, "--color", "never")...)
	require.NotContains(t, marked, "\x1b")
	require.Contains(t, marked, `\u001b`, "a text cannot colour the terminal")
	stripped := strings.NewReplacer(green, "", faint, "", plain, "").Replace(colored)
	require.Equal(t, strings.NewReplacer("{+", "", "+}", "").Replace(marked), stripped, "both say the same")
	require.NotContains(t, stripped, "\x1b")
	for _, bad := range [][]string{{"--color", "red"}, {"--batches", "0"}, {"--max-length", "2"}} {
		code, _, errs := luthier(t, append(args, bad...)...)
		require.Equal(t, 2, code, errs)
	}
	code, _, errs := luthier(t, "show-batch", "--model", dir)
	require.Equal(t, 2, code, errs)
	require.Contains(t, errs, "--data")
}

// TestShowBatchOfMasks: what is shown as hidden is what the text has there.
func TestShowBatchOfMasks(t *testing.T) {
	tok, err := data.LoadTokenizer(filepath.Join("..", "..", "data", "testdata", "wordpiece.tokenizer.json"))
	require.NoError(t, err)
	seqs, rep, err := data.EncodeMasked(tok, []data.Doc{{Text: "the and a b the and a b the and a b", Line: 9}}, 64, false)
	require.NoError(t, err)
	m, err := data.NewMasking(tok, 0.5, false, 3)
	require.NoError(t, err)
	l, err := data.NewLoader(seqs, data.LoaderOptions{BatchSize: 1, Mask: m})
	require.NoError(t, err)
	j := &job{src: &source{tok: tok}, task: model.MaskedLM, train: &dataset{seqs: seqs, encoded: rep}}
	b, _ := l.Next()
	row := j.rowsOf(b)[0]
	original, hidden := pieces(tok, seqs[0].IDs), 0
	for i, k := range row.Tokens {
		if !k.Trained {
			require.Equal(t, seqs[0].IDs[i], k.ID)
			continue
		}
		hidden++
		require.Equal(t, strings.TrimSpace(original[i]), strings.TrimSpace(k.Note))
	}
	require.Equal(t, b.LossTokens, hidden)
	require.NotZero(t, hidden)
}

// TestShowBatchOfPrompts: where options are compared, and which is right.
func TestShowBatchOfPrompts(t *testing.T) {
	dir, rows := tinyModel(t, "llama"), tinyLabels(t, 4)
	_, got := shown(t, "--model", dir, "--data", rows, "--task", "classify", "--template", "{text} It was", "--verbalizer", "negative= bad,positive= good wood",
		"--no-shuffle", "--batch-size", "1")
	require.Len(t, got, 2, "a sequence an option")
	require.Equal(t, []any{"not negative", "positive"}, []any{got[0]["label"], got[1]["label"]})
	trained := func(b bool) bool { return b }
	require.Equal(t, []string{" bad", " good wood"}, []string{textOf(got[0], trained), textOf(got[1], trained)})
}
