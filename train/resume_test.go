package train

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/internal/fuzzcheck"
	"luthier/internal/testdev"
	"luthier/model/safetensors"
)

// resumeOptions end the fourth epoch of three steps each: two micro-batches a step, and every kind of boundary.
func resumeOptions() Options {
	return Options{Epochs: 4, Accumulate: 2, LogSteps: 3, EvalSteps: 4, SaveSteps: 5, SaveLimit: 2, LoadBest: true}
}

// interruptAt cancels a run after a step was queued.
func interruptAt(t *testing.T, l *Loop, heard *listener, step int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	heard.tick = func(s int) {
		if s == step {
			cancel()
		}
	}
	require.ErrorIs(t, l.Run(ctx), ErrInterrupted)
	require.Equal(t, step, heard.saved[len(heard.saved)-1])
	require.Nil(t, heard.done)
}

// TestResumeEqualsStraightRun stops runs in the middle of an epoch, at its end, at an evaluation and twice, and goes on in a new loop.
// On the adapter the bytes are those of a run never stopped. The reference keeps 64 bits between steps, of which a checkpoint holds 32.
func TestResumeEqualsStraightRun(t *testing.T) {
	check := func(t *testing.T, dev backend.Device, exact bool, runs ...[]int) {
		straight := t.TempDir()
		l, heard := newLoop(t, dev, straight, resumeOptions())
		require.NoError(t, l.Run(context.Background()))
		require.Equal(t, 12, heard.done.Steps)
		l.Engine.Close() // of the memory that is counted
		for _, stops := range runs {
			dir := t.TempDir()
			for i, stop := range stops {
				l, heard := newLoop(t, dev, dir, resumeOptions())
				require.NoError(t, l.Prepare())
				if i > 0 {
					require.NoError(t, l.Resume("", false))
				}
				interruptAt(t, l, heard, stop)
				l.Engine.Close()
			}
			l, heard := newLoop(t, dev, dir, resumeOptions())
			require.NoError(t, l.Prepare())
			require.NoError(t, l.Resume("", false))
			require.NoError(t, l.Run(context.Background()))
			l.Engine.Close()
			require.Equal(t, stops[len(stops)-1], heard.plan.From)
			for _, name := range []string{trainableName, optimizerName} {
				sameTensors(t, filepath.Join(straight, "checkpoint-12", name), filepath.Join(dir, "checkpoint-12", name), exact)
			}
			if !exact {
				continue
			}
			for _, name := range []string{stateName, "checkpoint-12/" + stateName} {
				require.Equal(t, string(readAll(t, filepath.Join(straight, name))), string(readAll(t, filepath.Join(dir, name))), "%v %s", stops, name)
			}
			require.Equal(t, timeless(t, straight), timeless(t, dir), "%v", stops)
		}
	}
	t.Run("ref", func(t *testing.T) { check(t, ref.New(), false, []int{2, 7}) })
	dev := testdev.Open(t, webgpu.Options{})
	t.Run("device", func(t *testing.T) { check(t, dev, true, []int{2}, []int{3}, []int{4}, []int{1, 7, 11}) })
}

func sameTensors(t *testing.T, a, b string, exact bool) {
	if exact {
		require.Equal(t, readAll(t, a), readAll(t, b), b)
		return
	}
	x, err := safetensors.Open(a)
	require.NoError(t, err)
	defer x.Close()
	y, err := safetensors.Open(b)
	require.NoError(t, err)
	defer y.Close()
	require.NotEmpty(t, x.Names())
	require.Equal(t, x.Names(), y.Names())
	for _, n := range x.Names() {
		u, _ := x.Tensor(n)
		v, _ := y.Tensor(n)
		p, q := make([]float32, u.Elems()), make([]float32, v.Elems())
		require.NoError(t, u.Float32(p))
		require.NoError(t, v.Float32(q))
		for i := range p {
			require.InDelta(t, p[i], q[i], 2e-4, "%s[%d]", n, i)
		}
	}
}

// timeless is metrics.jsonl without what depends on the clock.
func timeless(t *testing.T, dir string) []map[string]any {
	lines := splitLines(readAll(t, filepath.Join(dir, metricsName)))
	require.NotEmpty(t, lines)
	for _, l := range lines {
		maps.DeleteFunc(l, func(k string, _ any) bool { return k == "seconds" || k == "eval_seconds" || k == "tokens_per_s" })
	}
	return lines
}

// killed is a run of 7 steps that leaves checkpoints 5 and 7, then loses its last one as a kill before it would have.
func killed(t *testing.T) string {
	dir := t.TempDir()
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 12, SaveSteps: 5, LogSteps: 1})
	interruptAt(t, l, heard, 7)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "checkpoint-7")))
	return dir
}

func resumable(t *testing.T, dir string) (*Loop, *listener) {
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 12, SaveSteps: 5, LogSteps: 1})
	require.NoError(t, l.Prepare())
	return l, heard
}

// What was logged after the checkpoint is logged again, not twice; a line that was cut short goes.
func TestResumeContinuesMetrics(t *testing.T) {
	dir := killed(t)
	f, err := os.OpenFile(filepath.Join(dir, metricsName), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"step":`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	l, _ := resumable(t, dir)
	require.NoError(t, l.Resume("", false))
	require.NoError(t, l.Run(context.Background()))
	var steps []int
	for _, m := range splitLines(readAll(t, filepath.Join(dir, metricsName))) {
		steps = append(steps, int(m["step"].(float64)))
	}
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, steps)
}

func TestResumeTakesTheLatestWholeCheckpoint(t *testing.T) {
	dir := killed(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "checkpoint-9"), 0o777))                                 // being removed when the kill came
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".tmp-0123456789abcdef"), 0o777))                        // being written
	require.NoError(t, os.Rename(filepath.Join(dir, "checkpoint-5"), filepath.Join(dir, ".old-checkpoint-5"))) // between two renames
	l, heard := resumable(t, dir)
	require.NoError(t, l.Resume("", false))
	require.NoError(t, l.Run(context.Background()))
	require.Equal(t, 5, heard.plan.From)
	_, err := Latest(t.TempDir())
	require.ErrorIs(t, err, ErrNoCheckpoint)
}

// Going back to an earlier checkpoint gives up the later ones, and says so.
func TestResumeFromAnEarlierCheckpoint(t *testing.T) {
	dir := t.TempDir()
	o := Options{MaxSteps: 6, SaveSteps: 2}
	l, _ := newLoop(t, ref.New(), dir, o)
	require.NoError(t, l.Run(context.Background()))
	l, heard := newLoop(t, ref.New(), dir, o)
	require.NoError(t, l.Prepare())
	require.NoError(t, l.Resume(filepath.Join(dir, "checkpoint-2"), false))
	heard.tick = func(int) { require.NoDirExists(t, filepath.Join(dir, "checkpoint-6")) }
	require.NoError(t, l.Run(context.Background()))
	require.Len(t, heard.notes, 1)
	require.Contains(t, heard.notes[0], "up to step 6, are removed")
	require.Equal(t, []int{4, 6}, heard.saved)
	l, _ = newLoop(t, ref.New(), dir, Options{MaxSteps: 4, SaveSteps: 2})
	l.Schedule.Kind = "linear"
	require.NoError(t, l.Prepare())
	require.ErrorContains(t, l.Resume("", true), "this run ends at step 4")
}

func TestResumeRefusesAnotherRun(t *testing.T) {
	dir := killed(t)
	l, heard := resumable(t, dir)
	l.Schedule.Peak = 1e-3
	l.Identity.Data = "other"
	l.Identity.Settings = map[string]any{"method": "lora", "r": 8}
	err := l.Resume("", false)
	var m *MismatchError
	require.ErrorAs(t, err, &m)
	require.Equal(t, []Difference{{"data_fingerprint", "d", "other"}, {"lr", "0.005", "0.001"}, {"method", `"everything"`, `"lora"`}, {"r", "not set", "8"}}, m.Differences)
	require.ErrorContains(t, err, "lr was 0.005, is 0.001")
	require.NoError(t, l.Resume("", true))
	require.Len(t, heard.notes, 1)
	require.Contains(t, heard.notes[0], "lr was 0.005")
}

// Another adapter may go on, with a word about it.
func TestResumeOnAnotherAdapter(t *testing.T) {
	dir := killed(t)
	l, heard := resumable(t, dir)
	l.Identity.Kernels = "tiles"
	require.NoError(t, l.Resume("", false))
	require.Len(t, heard.notes, 1)
	require.Contains(t, heard.notes[0], "kernel table")
}

func TestResumeNamesDamage(t *testing.T) {
	for _, name := range []string{trainableName, optimizerName, stateName, manifestName} {
		dir := killed(t)
		at := filepath.Join(dir, "checkpoint-5")
		path := filepath.Join(at, name)
		whole := readAll(t, path)
		flipped := append([]byte(nil), whole...)
		flipped[len(flipped)/2] ^= 0x80 // in JSON no longer UTF-8, or another name
		for how, raw := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": {}, "flipped": flipped, "missing": nil} {
			if name == manifestName && how == "flipped" {
				continue // may be a valid manifest with another setting: a mismatch then
			}
			require.NoError(t, os.WriteFile(path, raw, 0o666))
			if raw == nil {
				require.NoError(t, os.Remove(path))
			}
			l, _ := resumable(t, dir)
			err := l.Resume(at, false)
			var c *CheckpointError
			require.ErrorAs(t, err, &c, "%s %s", name, how)
			require.Equal(t, path, c.File)
			require.Equal(t, how == "missing", errors.Is(err, os.ErrNotExist))
			require.Zero(t, l.p.Step)
		}
	}
}

// A manifest is read as what it may be: anything.
func FuzzReadManifest(f *testing.F) {
	f.Add([]byte(`{"progress":{"step":1},"files":{}}`))
	f.Add([]byte(`{"progress":{"step":-1},"files":null,"settings":{"a":[{}]}}`))
	file := fuzzcheck.Files(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := filepath.Dir(file(t, manifestName, raw))
		var m manifest
		var err error
		fuzzcheck.Bounded(t, len(raw), func() { m, err = readManifest(dir) })
		if err == nil {
			require.Positive(t, m.Progress.Step)
			require.Error(t, m.verify(dir))
			m.differences(manifest{})
		}
	})
}

// An interruption while evaluating is made up for: the resumed run evaluates first.
func TestInterruptedEvaluationIsRepeated(t *testing.T) {
	dir := t.TempDir()
	o := Options{MaxSteps: 6, EvalSteps: 3, SaveSteps: 3, LogSteps: 1}
	l, heard := newLoop(t, ref.New(), dir, o)
	l.p.Step = 0
	ctx, cancel := context.WithCancel(context.Background())
	l.Report = &canceller{listener: heard, cancel: cancel, at: 3}
	require.ErrorIs(t, l.Run(ctx), ErrInterrupted)
	require.Empty(t, heard.evals)
	var m manifest
	require.NoError(t, json.Unmarshal(readAll(t, filepath.Join(dir, "checkpoint-3", manifestName)), &m))
	require.True(t, m.Progress.EvalDue)
	l, heard = newLoop(t, ref.New(), dir, o)
	require.NoError(t, l.Prepare())
	require.NoError(t, l.Resume("", false))
	require.NoError(t, l.Run(context.Background()))
	require.Len(t, heard.evals, 2)
	require.Equal(t, 3, heard.evals[0].Step)
}

// canceller cancels when the line of a step is reported, which is just before its evaluation.
type canceller struct {
	*listener
	cancel func()
	at     int
}

func (c *canceller) Step(m Metrics) {
	if c.listener.Step(m); m.Step == c.at {
		c.cancel()
	}
}

// An interruption saves even where the run saves nothing else.
func TestInterruptionSaves(t *testing.T) {
	dir := t.TempDir()
	l, heard := newLoop(t, ref.New(), dir, Options{MaxSteps: 9})
	interruptAt(t, l, heard, 4)
	steps, err := Checkpoints(dir)
	require.NoError(t, err)
	require.Equal(t, []int{4}, steps)
}

// The adapter's files are in the checkpoint or the checkpoint is not there.
func TestAdapterFilesAreInTheCheckpoint(t *testing.T) {
	dir := t.TempDir()
	l, _ := newLoop(t, ref.New(), dir, Options{MaxSteps: 2, SaveSteps: 1})
	l.Adapter = func(d string) error {
		return os.WriteFile(filepath.Join(d, "adapter_config.json"), []byte("{}"), 0o666)
	}
	require.NoError(t, l.Run(context.Background()))
	require.FileExists(t, filepath.Join(dir, "checkpoint-2", "adapter_config.json"))
	dir = t.TempDir()
	l, _ = newLoop(t, ref.New(), dir, Options{MaxSteps: 2, SaveSteps: 2})
	l.Adapter = func(string) error { return errors.New("disk on fire") }
	require.ErrorContains(t, l.Run(context.Background()), "disk on fire")
	require.NoDirExists(t, filepath.Join(dir, "checkpoint-2"))
}
