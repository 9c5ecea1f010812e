package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A run resumed with another metric or other evaluation data begins to compare anew, and says so; with the same ones it says nothing.
func TestResumeWithAnotherMetric(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Rename(tinyModel(t, "bert"), "bert"))
	rows, other := tinyLabels(t, 24), tinyLabels(t, 8)
	line := func(steps, eval, out string, more ...string) (errs string) {
		code, _, errs := luthier(t, append([]string{"train", "--model", "bert", "--data", rows, "--eval-data", eval, "--out", out, "--schedule", "constant",
			"--max-steps", steps, "--eval-steps", "1", "--save-steps", "1", "--load-best"}, more...)...)
		require.Zero(t, code, errs)
		return errs
	}
	for name, c := range map[string]struct {
		eval string
		more []string
		note string
	}{
		"same":   {rows, nil, ""},
		"metric": {rows, []string{"--metric", "accuracy"}, "evaluations to step 2 were by loss, from here on by accuracy"},
		"data":   {other, nil, "evaluations to step 2 were on other data than from here on"},
	} {
		t.Run(name, func(t *testing.T) {
			line("2", rows, name)
			errs := line("3", c.eval, name, append(c.more, "--resume")...)
			if c.note == "" {
				require.Empty(t, errs)
				return
			}
			require.Equal(t, 1, strings.Count(errs, "luthier: "), errs)
			require.Contains(t, errs, c.note)
			require.Contains(t, whole(t, filepath.Join(name, "trainer_state.json")), `"best_model_checkpoint": "checkpoint-3"`)
		})
	}
}
