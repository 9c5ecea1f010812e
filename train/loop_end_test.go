package train

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/internal/testdev"
	"luthier/optim"
)

// evalSteps are the steps of evaluations: as they were reported, in metrics.jsonl, and in trainer_state.json.
func evalSteps(t *testing.T, dir string, heard *listener) (reported, logged, kept []int) {
	t.Helper()
	for _, e := range heard.evals {
		reported = append(reported, e.Step)
	}
	of := func(lines []map[string]any) (out []int) {
		for _, m := range lines {
			if _, ok := m["eval_loss"]; ok {
				out = append(out, int(m["step"].(float64)))
			}
		}
		return out
	}
	var s struct {
		History []map[string]any `json:"log_history"`
	}
	require.NoError(t, json.Unmarshal(readAll(t, filepath.Join(dir, stateName)), &s))
	return reported, of(splitLines(readAll(t, filepath.Join(dir, metricsName)))), of(s.History)
}

// A run that evaluates by the epoch and ends inside one is evaluated at its end, once.
func TestEvaluationAtTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want []int
	}{
		"inside the first epoch":  {Options{MaxSteps: 4, EvalEpoch: true}, []int{4}},
		"inside a later epoch":    {Options{Epochs: 1.5, EvalEpoch: true}, []int{6, 9}},
		"at the end of an epoch":  {Options{Epochs: 2, EvalEpoch: true}, []int{6, 12}},
		"by steps":                {Options{MaxSteps: 5, EvalSteps: 2}, []int{2, 4}},
		"never":                   {Options{MaxSteps: 3}, nil},
		"patience that runs out":  {Options{MaxSteps: 8, EvalEpoch: true, Patience: 1, SaveEpoch: true}, []int{6, 8}},
		"the best is what it was": {Options{MaxSteps: 8, EvalEpoch: true, LoadBest: true}, []int{6, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, heard := newLoop(t, ref.New(), dir, c.o)
			if c.o.Patience > 0 {
				l.Schedule = optim.Schedule{Kind: "constant", Peak: 1e-12} // nothing gets better
			}
			require.NoError(t, l.Run(context.Background()))
			require.False(t, heard.done.StoppedEarly, "the end is the end")
			require.Equal(t, c.o.Patience, l.p.Worse*min(1, c.o.Patience))
			reported, logged, kept := evalSteps(t, dir, heard)
			require.Equal(t, c.want, reported)
			require.Equal(t, c.want, logged)
			require.Equal(t, c.want, kept)
			if c.want != nil {
				require.Contains(t, string(readAll(t, filepath.Join(dir, plotName))), "eval")
			}
			if c.o.LoadBest {
				require.Equal(t, heard.evals[1].Best, heard.done.BestStep == 8)
			}
		})
	}
}

// A run that ends inside an epoch and was stopped before ends in the bytes of one that was not, its evaluation at the end included.
func TestResumeToTheEndInsideAnEpoch(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	o := Options{MaxSteps: 8, EvalEpoch: true, SaveEpoch: true, LogSteps: 3, LoadBest: true}
	straight, dir := t.TempDir(), t.TempDir()
	l, heard := newLoop(t, dev, straight, o)
	require.NoError(t, l.Run(context.Background()))
	l.Engine.Close()
	require.Len(t, heard.evals, 2)
	l, heard = newLoop(t, dev, dir, o)
	interruptAt(t, l, heard, 7)
	l.Engine.Close()
	l, _ = newLoop(t, dev, dir, o)
	require.NoError(t, l.Prepare())
	require.NoError(t, l.Resume("", false))
	require.NoError(t, l.Run(context.Background()))
	l.Engine.Close()
	for _, name := range []string{stateName, "checkpoint-8/" + stateName, "checkpoint-8/" + trainableName, "checkpoint-8/" + optimizerName} {
		require.Equal(t, readAll(t, filepath.Join(straight, name)), readAll(t, filepath.Join(dir, name)), name)
	}
	require.Equal(t, timeless(t, straight), timeless(t, dir))
}
