package train

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/internal/testdev"
	"luthier/model"
	"luthier/optim"
)

// listener keeps what a Loop reports.
type listener struct {
	Silent
	plan  Plan
	steps []Metrics
	evals []EvalReport
	saved []int
	notes []string
	done  *Summary
	tick  func(step int)
}

func (l *listener) Start(p Plan)          { l.plan = p }
func (l *listener) Step(m Metrics)        { l.steps = append(l.steps, m) }
func (l *listener) Eval(r EvalReport)     { l.evals = append(l.evals, r) }
func (l *listener) Saved(_ string, s int) { l.saved = append(l.saved, s) }
func (l *listener) Note(s string)         { l.notes = append(l.notes, s) }
func (l *listener) Done(s Summary)        { l.done = &s }
func (l *listener) Tick(step int) {
	if l.tick != nil {
		l.tick(step)
	}
}

// learnable makes rows whose class is told by one of three marker tokens at the start.
func learnable(n int, seed uint64) []data.Sequence {
	r := rand.New(rand.NewPCG(seed, 1))
	var out []data.Sequence
	for i := range n {
		class := r.IntN(3)
		s := data.Sequence{IDs: []int32{2, int32(10 + class)}, Class: int32(class), Line: i + 1}
		for range 2 + r.IntN(10) {
			s.IDs = append(s.IDs, int32(20+r.IntN(50)))
		}
		s.TypeIDs = make([]int32, len(s.IDs))
		out = append(out, s)
	}
	return out
}

// newLoop trains the tiny BERT, with dropout, on 22 rows in batches of 4: six batches an epoch, the last one short.
func newLoop(t *testing.T, dev backend.Device, dir string, o Options) (*Loop, *listener) {
	e := openEngine(t, dev, modelDir("bert_seqcls"), model.Classify, 3, func(c *model.Config) { c.HiddenDropout = 0.1 })
	load := func(n int, seed uint64, shuffled bool) *data.Loader {
		l, err := data.NewLoader(learnable(n, seed), data.LoaderOptions{BatchSize: 4, Seed: 3, NoShuffle: !shuffled})
		require.NoError(t, err)
		return l
	}
	o.Accumulate = max(1, o.Accumulate)
	f := NewFirstOrder(e, &optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.01},
		FirstOrderOptions{MaxGradNorm: 1, Accumulate: o.Accumulate, Seed: 5})
	heard := &listener{}
	return &Loop{Engine: e, Stepper: f, Train: load(22, 1, true), Eval: load(9, 2, false), Schedule: optim.Schedule{Kind: "linear", Peak: 5e-3, Warmup: 2},
		Report: heard, Options: o, Dir: dir, Identity: Identity{Version: "test", Model: "m", Data: "d", Settings: map[string]any{"method": "everything"}}}, heard
}

func TestLoopLearns(t *testing.T) {
	dir := t.TempDir()
	l, heard := newLoop(t, ref.New(), dir, Options{Epochs: 8, LogSteps: 5, EvalEpoch: true, SaveEpoch: true, SaveLimit: 2, Metric: "eval_accuracy",
		Greater: true, LoadBest: true})
	require.NoError(t, l.Run(context.Background()))
	require.Equal(t, 48, heard.plan.Steps)
	require.Equal(t, 6, heard.plan.StepsPerEpoch)
	require.Len(t, heard.steps, 10) // 5, 10, ... 45 and the last
	require.Equal(t, []int{5, 45, 48}, []int{heard.steps[0].Step, heard.steps[8].Step, heard.steps[9].Step})
	require.InDelta(t, 5.0/6, heard.steps[0].Epoch, 1e-12)
	require.Equal(t, 8.0, heard.steps[9].Epoch)
	require.Less(t, heard.steps[9].Loss, heard.steps[0].Loss/3)
	require.Greater(t, heard.steps[0].TokensPerSec, 0.0)
	require.Greater(t, heard.steps[0].PeakBytes, int64(0))
	require.Len(t, heard.evals, 8)
	require.NotNil(t, heard.done)
	require.Greater(t, heard.done.BestMetric, 0.9)
	again, err := l.Engine.Evaluate(context.Background(), l.Eval)
	require.NoError(t, err)
	require.InDelta(t, heard.done.BestMetric, again.Metrics["accuracy"], 1e-12)
	require.Len(t, again.Predictions, 9)
	for i, p := range again.Predictions {
		require.Equal(t, i+1, p.Line)
		require.InDelta(t, 1, p.Probabilities[0]+p.Probabilities[1]+p.Probabilities[2], 1e-9)
	}
	predicted, err := l.Engine.Predict(context.Background(), l.Eval)
	require.NoError(t, err)
	require.Equal(t, again.Predictions, predicted)
	steps, err := Checkpoints(dir)
	require.NoError(t, err)
	require.Len(t, steps, 2)
	require.Contains(t, steps, heard.done.BestStep)
	require.Contains(t, steps, 48)
}

func TestStateIsHuggingFaces(t *testing.T) {
	dir := t.TempDir()
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 8, LogSteps: 2, EvalSteps: 4, SaveSteps: 4})
	require.NoError(t, l.Run(context.Background()))
	var s map[string]any
	require.NoError(t, json.Unmarshal(readAll(t, filepath.Join(dir, "checkpoint-8", "trainer_state.json")), &s))
	for _, k := range []string{"global_step", "epoch", "max_steps", "best_metric", "best_model_checkpoint", "log_history", "save_steps", "eval_steps", "train_batch_size"} {
		require.Contains(t, s, k)
	}
	require.EqualValues(t, 8, s["global_step"])
	require.EqualValues(t, 4, s["train_batch_size"])
	history := s["log_history"].([]any)
	require.Len(t, history, 4+2)
	require.Contains(t, history[2].(map[string]any), "eval_accuracy")
	require.InDelta(t, heard.steps[0].Loss, history[0].(map[string]any)["loss"], 1e-12)
	lines := splitLines(readAll(t, filepath.Join(dir, "metrics.jsonl")))
	require.Len(t, lines, 6)
	for _, k := range []string{"step", "epoch", "loss", "lr", "grad_norm", "tokens_per_s", "peak_bytes"} {
		require.Contains(t, lines[0], k)
	}
}

func TestEarlyStopping(t *testing.T) {
	dir := t.TempDir()
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 100, EvalSteps: 1, SaveSteps: 50, Patience: 3, Metric: "accuracy", Greater: true, LogSteps: 100})
	l.Schedule = optim.Schedule{Kind: "constant", Peak: 1e-12} // nothing gets better
	require.NoError(t, l.Run(context.Background()))
	require.True(t, heard.done.StoppedEarly)
	require.Equal(t, 4, heard.done.Steps) // the first evaluation is the best, then three that are not better
	require.Equal(t, 1, heard.done.BestStep)
	require.Equal(t, []int{4}, heard.saved)
	require.Len(t, heard.steps, 1) // what the early end left over
}

func TestSaveLimitKeepsTheBest(t *testing.T) {
	dir := t.TempDir()
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 12, EvalSteps: 2, SaveSteps: 2, SaveLimit: 2, Metric: "loss", Greater: true}) // the worst is the best
	require.NoError(t, l.Run(context.Background()))
	worst := heard.evals[0]
	for _, e := range heard.evals {
		if e.Loss > worst.Loss {
			worst = e
		}
	}
	require.Less(t, worst.Step, 10)
	steps, err := Checkpoints(dir)
	require.NoError(t, err)
	require.Equal(t, []int{worst.Step, 12}, steps)
	require.Equal(t, []int{2, 4, 6, 8, 10, 12}, heard.saved)
}

func TestDivergenceStopsAndSavesNothing(t *testing.T) {
	dir := t.TempDir()
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 40, SaveSteps: 1, EvalSteps: 1})
	l.Schedule = optim.Schedule{Kind: "constant", Peak: 1e30}
	err := l.Run(context.Background())
	var d *DivergedError
	require.ErrorAs(t, err, &d)
	require.Positive(t, d.Step)
	require.NotEmpty(t, d.Tensor)
	require.Contains(t, err.Error(), d.Tensor)
	require.Nil(t, heard.done)
	steps, err := Checkpoints(dir)
	require.NoError(t, err)
	for _, s := range steps {
		require.Less(t, s, d.Step)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".tmp-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// A last update that overflows shows in no loss: the tensors themselves are looked at.
func TestDivergenceInTheLastUpdate(t *testing.T) {
	for _, save := range []int{0, 1} {
		dir := t.TempDir()
		l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 1, SaveSteps: save})
		l.Schedule = optim.Schedule{Kind: "constant", Peak: 1e39}
		var d *DivergedError
		require.ErrorAs(t, l.Run(context.Background()), &d)
		require.Equal(t, 1, d.Step)
		require.Nil(t, heard.done)
		require.Empty(t, heard.saved)
		steps, err := Checkpoints(dir)
		require.NoError(t, err)
		require.Empty(t, steps)
	}
}

func TestLoopRefuses(t *testing.T) {
	for want, o := range map[string]Options{
		"--epochs": {}, "--log-steps": {MaxSteps: 1, LogSteps: -1}, "--metric bleu": {MaxSteps: 1, Metric: "bleu"},
		"--patience": {MaxSteps: 1, Patience: 1}, "--load-best": {MaxSteps: 1, LoadBest: true},
	} {
		l, _ := newLoop(t, ref.New(), t.TempDir(), o)
		require.ErrorContains(t, l.Prepare(), want)
	}
}

// A fresh run does not mix its checkpoints with another's.
func TestFreshRunRefusesOldCheckpoints(t *testing.T) {
	dir := t.TempDir()
	l, _ := newLoop(t, ref.New(), dir, Options{MaxSteps: 2, SaveSteps: 1})
	require.NoError(t, l.Run(context.Background()))
	l, _ = newLoop(t, ref.New(), dir, Options{MaxSteps: 2, SaveSteps: 2})
	require.ErrorContains(t, l.Run(context.Background()), "--resume")
	l, _ = newLoop(t, ref.New(), dir, Options{MaxSteps: 2, SaveSteps: 2, Overwrite: true})
	require.NoError(t, l.Run(context.Background()))
	steps, err := Checkpoints(dir)
	require.NoError(t, err)
	require.Equal(t, []int{2}, steps)
}

// TestStepsAllocateNothing counts what the device makes: from the third step on only submits and dispatches.
func TestStepsAllocateNothing(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, accumulate := range []int{1, 2} {
		l, heard := newLoop(t, dev, t.TempDir(), Options{MaxSteps: 20, LogSteps: 1, Accumulate: accumulate})
		l.Eval = nil
		type counts struct {
			buffers, groups, pipelines int
			bytes                      int64
		}
		var at []counts
		heard.tick = func(int) {
			s := dev.Stats()
			bytes, _ := dev.Allocated()
			at = append(at, counts{s.Buffers, s.BindGroups, s.Pipelines, bytes})
		}
		require.NoError(t, l.Run(context.Background()))
		require.Len(t, at, 20)
		for i := 3; i < 20; i++ {
			require.Equal(t, at[2], at[i], "step %d", i+1)
		}
	}
}

func readAll(t *testing.T, path string) []byte {
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return raw
}

func splitLines(raw []byte) []map[string]any {
	var out []map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	for dec.More() {
		var m map[string]any
		if dec.Decode(&m) != nil {
			return out
		}
		out = append(out, m)
	}
	return out
}

// The stepper keeps the results of 64 steps; a run that logs less often loses none.
func TestRareLogsLoseNoStep(t *testing.T) {
	l, heard := newLoop(t, ref.New(), "", Options{MaxSteps: 150, LogSteps: 140})
	require.NoError(t, l.Run(context.Background()))
	require.Len(t, heard.steps, 2)
	require.Equal(t, []int{140, 150}, []int{heard.steps[0].Step, heard.steps[1].Step})
	require.InDelta(t, heard.done.Loss, (140*heard.steps[0].Loss+10*heard.steps[1].Loss)/150, 1e-9)
}
