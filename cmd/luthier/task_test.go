package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model"
)

// labelledJSON writes 24 rows of two classes under that key.
func labelledJSON(t *testing.T, name, key string) string {
	t.Helper()
	var b strings.Builder
	for i := range 24 {
		fmt.Fprintf(&b, `{"text": "%s wood", %q: %q}`+"\n", []string{"good", "bad"}[i%2], key, []string{"x", "y"}[i%2])
	}
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	return path
}

// Labelled rows are classified, by whatever name the label goes that the reader knows, and by any that the user names.
func TestGuessTask(t *testing.T) {
	for _, kind := range []string{"llama", "bert"} {
		unlabelled := map[string]model.Task{"llama": model.CausalLM, "bert": model.MaskedLM}[kind]
		s, err := openSource(tinyModel(t, kind), "", true)
		require.NoError(t, err)
		defer s.close()
		for _, c := range []struct {
			file, key, column string
			want              model.Task
		}{
			{"rows.jsonl", "label", "", model.Classify}, {"rows.jsonl", "labels", "", model.Classify}, {"rows.jsonl", "category", "", model.Classify},
			{"rows.jsonl", "class", "", model.Classify}, {"rows.jsonl", "intent", "", model.Classify}, {"rows.jsonl", "gold_label", "", model.Classify},
			{"rows.json", "score", "", model.Classify}, {"rows.jsonl", "target", "", model.Classify}, {"rows.ndjson", "label", "", model.Classify},
			{"rows.jsonl", "mood", "mood", model.Classify}, {"rows.jsonl", "mood", "", unlabelled}, {"rows.ndjson", "mood", "", unlabelled},
		} {
			got, err := s.resolveTask(&inputs{labelColumn: c.column}, labelledJSON(t, c.file, c.key))
			require.NoError(t, err)
			require.Equal(t, c.want, got, "%s %+v", kind, c)
		}
		for _, flag := range []inputs{{task: string(unlabelled), labelColumn: "mood"}, {text2Column: "mood"}} {
			_, err := s.resolveTask(&flag, labelledJSON(t, "rows.jsonl", "mood"))
			require.ErrorContains(t, err, "give --task classify, or leave --")
			require.Equal(t, exitUsage, exitCode(err))
		}
	}
}

// What was a language model's run that never saw its labels is a classifier's.
func TestLabelledJSONIsClassified(t *testing.T) {
	rows := labelledJSON(t, "rows.ndjson", "mood")
	code, out, errs := luthier(t, "train", "--model", tinyModel(t, "llama"), "--data", rows, "--label-column", "mood", "--out", filepath.Join(t.TempDir(), "out"), "--max-steps", "1")
	require.Zero(t, code, errs)
	require.Contains(t, out, "task:     classify (2 classes: x, y)")
}
