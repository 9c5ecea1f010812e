package train

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
)

// judgedRun evaluates by loss, which never gets better: checkpoint-2 is the best, and the next evaluation is worse.
func judgedRun(t *testing.T, dir string) {
	o := Options{MaxSteps: 4, EvalSteps: 2, SaveSteps: 2, LogSteps: 1, Metric: "loss", Greater: true}
	l, heard := newLoop(t, ref.New(), dir, o)
	l.Schedule.Kind, l.Identity.EvalData = "constant", "held out"
	require.NoError(t, l.Run(context.Background()))
	require.Equal(t, 2, heard.done.BestStep)
	require.Equal(t, judge{"loss", true, "held out"}, l.p.Judge)
	require.Equal(t, 1, l.p.Worse)
}

// Values of two metrics, of two directions or of two data sets are not compared: the best of before would stand for good, or fall at once.
func TestResumeWithAnotherJudge(t *testing.T) {
	for name, c := range map[string]struct {
		metric  string
		greater bool
		data    string
		note    string
	}{
		"metric":    {"accuracy", true, "held out", "evaluations to step 4 were by loss, from here on by accuracy"},
		"direction": {"loss", false, "held out", "were with greater_is_better true, from here on with false"},
		"data":      {"loss", true, "other", "were on other data than from here on"},
		"the same":  {"eval_loss", true, "held out", ""},
		"unknown":   {"loss", true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			judgedRun(t, dir)
			l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 6, EvalSteps: 2, SaveSteps: 2, LogSteps: 1, Metric: c.metric, Greater: c.greater, LoadBest: true, Patience: 2})
			l.Schedule.Kind, l.Identity.EvalData = "constant", c.data
			require.NoError(t, l.Prepare())
			require.NoError(t, l.Resume("", false))
			if c.note == "" {
				require.Empty(t, heard.notes)
				require.Equal(t, []any{true, 2, 1}, []any{l.p.Evaluated, l.p.BestStep, l.p.Worse})
				return
			}
			require.Len(t, heard.notes, 1)
			require.Contains(t, heard.notes[0], c.note)
			require.NoError(t, l.Run(context.Background()))
			require.Equal(t, []int{6}, []int{heard.evals[0].Step})
			require.True(t, heard.evals[0].Best, "the first evaluation of its kind")
			require.Equal(t, heard.evals[0].Value, heard.done.BestMetric)
			require.Equal(t, 6, heard.done.BestStep)
			require.False(t, heard.done.StoppedEarly)
		})
	}
}

// A session that evaluates nothing keeps the best for the next, which compares again.
func TestJudgeSurvivesASessionWithoutEvaluation(t *testing.T) {
	dir := t.TempDir()
	judgedRun(t, dir)
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 6, SaveSteps: 2})
	l.Schedule.Kind, l.Eval = "constant", nil
	require.NoError(t, l.Prepare())
	require.NoError(t, l.Resume("", false))
	require.NoError(t, l.Run(context.Background()))
	require.Empty(t, heard.notes)
	require.Equal(t, []any{2, judge{"loss", true, "held out"}}, []any{l.p.BestStep, l.p.Judge})
}

// A checkpoint of a version that did not write the judge goes on as it would have there.
func TestResumeOfACheckpointWithoutJudge(t *testing.T) {
	dir := t.TempDir()
	judgedRun(t, dir)
	path := filepath.Join(dir, "checkpoint-4", manifestName)
	var m, p map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(readAll(t, path), &m))
	require.NoError(t, json.Unmarshal(m["progress"], &p))
	require.Contains(t, p, "judge")
	delete(p, "judge")
	var err error
	m["progress"], err = json.Marshal(p)
	require.NoError(t, err)
	raw, err := json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o666))
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 6, EvalSteps: 2, SaveSteps: 2, Metric: "accuracy", Greater: true})
	l.Schedule.Kind = "constant"
	require.NoError(t, l.Prepare())
	require.NoError(t, l.Resume("", false))
	require.Empty(t, heard.notes)
	require.Equal(t, []any{true, 2, 1}, []any{l.p.Evaluated, l.p.BestStep, l.p.Worse})
}
