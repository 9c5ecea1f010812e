package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/train"
)

// A run whose numbers are finite and that learned nothing says so; one that learned says nothing.
func TestAdviceOfRun(t *testing.T) {
	o, err := newOptimizer("adamw")
	require.NoError(t, err)
	for _, c := range []struct {
		first, last, norm float64
		want              string
	}{
		{0.7, 0.1, 1, ""}, {0.7, 0, 0, ""}, {0.7, 1.3, 1, ""}, {2, 9, 1, "rose from 2 to 9"}, {1e9, 0.6931, 0, "the gradient has vanished"},
	} {
		r := newReporter(&app{choice: choice{optimizer: o}})
		r.first, r.last = train.Metrics{Step: 1, Loss: c.first}, train.Metrics{Step: 2, Loss: c.last, GradNorm: c.norm}
		if text := r.advice(); c.want == "" {
			require.Empty(t, text)
		} else {
			require.Contains(t, text, c.want)
		}
	}
}

// Labels that differ from row to row are pointed out: they are numbers, or another column's.
func TestAdviceOfClasses(t *testing.T) {
	dir := tinyModel(t, "bert")
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		every int
		want  bool
	}{{1, true}, {10, false}} {
		var rows strings.Builder
		rows.WriteString("text\tlabel\n")
		for i := range 40 {
			fmt.Fprintf(&rows, "good wood\t0.%02d\n", i/c.every)
		}
		require.NoError(t, os.WriteFile("rows.tsv", []byte(rows.String()), 0o600))
		code, _, errs := luthier(t, "train", "--model", dir, "--data", "rows.tsv", "--out", "out", "--max-steps", "1", "--overwrite")
		require.Zero(t, code, errs)
		require.Equal(t, c.want, strings.Contains(errs, "--task regress"), errs)
	}
}

// eval hides as the run did, where no flag says otherwise.
func TestEvalHidesAsTrained(t *testing.T) {
	given := set(func(f *pflagSet) { (&hiding{}).flags(f) })
	require.NoError(t, given.Parse([]string{"--whole-word-mask=false"}))
	h := hiding{Probability: 0.15}
	h.as(nil, given)
	require.Equal(t, hiding{Probability: 0.15}, h)
	h.as(&hiding{Probability: 0.4, WholeWord: true}, given)
	require.Equal(t, hiding{Probability: 0.4}, h)
}

// Windows' editors begin a file with a mark of byte order: it is none of the text.
func TestLinesOfWindows(t *testing.T) {
	got, err := readLines(strings.NewReader("\uFEFFgood wood\r\n\r\n\uFEFFbad wood\r\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"good wood", "", "\uFEFFbad wood"}, got)
}

// eval takes the run.yaml of a run, whose settings of training say nothing to it; what nobody knows is refused all the same.
func TestEvalTakesRunYAML(t *testing.T) {
	rows := tinyLabels(t, 16)
	dir := tinyModel(t, "bert")
	t.Chdir(t.TempDir())
	code, _, errs := luthier(t, "train", "--model", dir, "--data", rows, "--out", "out", "--max-steps", "1", "--max-length", "16")
	require.Zero(t, code, errs)
	code, _, errs = luthier(t, "eval", "--adapter", "out", "--config", "out/run.yaml")
	require.Zero(t, code, errs)
	require.NoError(t, os.WriteFile("typo.yaml", []byte("max_lenght: 8\n"), 0o600))
	code, _, errs = luthier(t, "eval", "--adapter", "out", "--data", rows, "--config", "typo.yaml")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "typo.yaml:1: unknown key max_lenght: did you mean max-length?")
}
