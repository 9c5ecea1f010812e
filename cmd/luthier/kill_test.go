package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"luthier/train"
)

// TestKill kills a run with SIGKILL at random moments, again and again, and resumes it each time: the adapter is, byte by byte, that of a
// run never stopped. On the adapter, with dropout, a checkpoint each step, so that many a kill falls into the writing of one.
func TestKill(t *testing.T) {
	device := adapter(t)
	t.Chdir(t.TempDir())
	require.NoError(t, os.Rename(tinyModel(t, "bert"), "bert"))
	require.NoError(t, os.Rename(tinyLabels(t, 64), "rows.tsv"))
	const steps = 40
	args := func(out string, more ...string) []string {
		return append([]string{"train", "--model", "bert", "--data", "rows.tsv", "--out", out, "--device", device, "--max-steps", fmt.Sprint(steps), "--lr", "1e-2",
			"--lora-dropout", "0.2", "--target-modules", "all-linear", "--save-steps", "1", "--save-total-limit", "2", "--log-steps", "1", "--accumulate", "2"}, more...)
	}
	code, errs := startChild(t, ".", nil, args("straight")...).end()
	require.Zero(t, code, errs)

	kills := 3
	if os.Getenv("LUTHIER_SLOW") == "1" {
		kills = 25
	}
	random := rand.New(rand.NewPCG(7, 1))
	at := 0
	for n := range kills {
		c := startChild(t, ".", nil, args("killed", resumeAfter(at)...)...)
		goal := at + 1 + random.IntN(max(1, (steps-at)/(kills-n+1)))
		require.True(t, c.until(fmt.Sprintf("step %d/", goal)), "%s", &c.errOut)
		time.Sleep(time.Duration(random.IntN(30_000)) * time.Microsecond)
		require.NoError(t, c.cmd.Process.Kill())
		code, errs := c.end()
		require.Equal(t, -1, code, errs)
		at = last(t, "killed")
		require.Less(t, at, steps, "the run ended before it could be killed")
		t.Logf("killed behind step %d, the last whole checkpoint is of step %d", goal, at)
	}
	code, errs = startChild(t, ".", nil, args("killed", resumeAfter(at)...)...).end()
	require.Zero(t, code, errs)
	// A kill while the last files are written, or right behind: what is there is written again.
	c := startChild(t, ".", nil, args("killed", "--resume")...)
	require.True(t, c.until("done:"), "%s", &c.errOut)
	_ = c.cmd.Process.Kill() // it may have ended
	c.end()
	code, errs = startChild(t, ".", nil, args("killed", "--resume")...).end()
	require.Zero(t, code, errs)
	for _, name := range []string{"adapter_model.safetensors", "adapter_config.json", fmt.Sprintf("checkpoint-%d/optimizer.safetensors", steps)} {
		want, err := os.ReadFile(filepath.Join("straight", name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join("killed", name))
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	require.Equal(t, losses(t, "straight"), losses(t, "killed"))
}

// resumeAfter is what a run needs beyond its settings: a kill before the first checkpoint leaves nothing to resume.
func resumeAfter(step int) []string {
	if step == 0 {
		return []string{"--overwrite"}
	}
	return []string{"--resume"}
}

// last is the step of the last whole checkpoint.
func last(t *testing.T, dir string) int {
	t.Helper()
	all, err := train.Checkpoints(dir)
	require.NoError(t, err)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1]
}

// losses of metrics.jsonl by step; a step that is there twice is a fault.
func losses(t *testing.T, dir string) map[string]float64 {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	require.NoError(t, err)
	out := map[string]float64{}
	for _, m := range answers(t, string(raw)) {
		step := strconv.Itoa(int(m["step"].(float64)))
		require.NotContains(t, out, step)
		out[step] = m["loss"].(float64)
	}
	require.NotEmpty(t, out)
	return out
}
