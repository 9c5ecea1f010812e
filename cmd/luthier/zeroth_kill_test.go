package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"luthier/zeroth"
)

// TestKillWithoutGradients kills a forward-only run at random moments and resumes it. Checkpoints are rare, so that the log is ahead of the
// last one: what is ahead is cut off and comes again. Adapter and log end as those of a run never stopped. The
// momentum is made from the log, and so is what Sparse-MeZO knows of the weights that it started from.
func TestKillWithoutGradients(t *testing.T) {
	device := adapter(t)
	t.Chdir(t.TempDir())
	require.NoError(t, os.Rename(tinyModel(t, "bert"), "bert"))
	require.NoError(t, os.Rename(tinyLabels(t, 64), "rows.tsv"))
	random := rand.New(rand.NewPCG(3, 1))
	for _, optim := range []string{"mezo", "mezo-momentum", "sparse-mezo"} {
		t.Run(optim, func(t *testing.T) { killWithoutGradients(t, device, optim, random) })
	}
}

func killWithoutGradients(t *testing.T, device, optim string, random *rand.Rand) {
	const steps = 40
	args := func(out string, more ...string) []string {
		return append([]string{"train", "--optim", optim, "--model", "bert", "--data", "rows.tsv", "--out", filepath.Join(optim, out), "--device", device,
			"--max-steps", fmt.Sprint(steps), "--lr", "1e-2", "--target-modules", "all-linear", "--save-steps", "4", "--save-total-limit", "2",
			"--log-steps", "1", "--accumulate", "2", "--hash-steps", "7"}, more...)
	}
	code, errs := startChild(t, ".", nil, args("straight")...).end()
	require.Zero(t, code, errs)
	kills := 2
	if os.Getenv("LUTHIER_SLOW") == "1" {
		kills = 6
	}
	killed := filepath.Join(optim, "killed")
	at, ahead := 0, false
	for n := range kills {
		c := startChild(t, ".", nil, args("killed", resumeAfter(at)...)...)
		goal := at + 5 + random.IntN(max(1, (steps-at)/(kills-n+1)-5)) // behind the next checkpoint
		require.True(t, c.until(fmt.Sprintf("step %d/", goal)), "%s", &c.errOut)
		time.Sleep(time.Duration(random.IntN(10_000)) * time.Microsecond)
		require.NoError(t, c.cmd.Process.Kill())
		code, errs := c.end()
		require.Equal(t, -1, code, errs)
		at = last(t, killed)
		require.Less(t, at, steps, "the run ended before it could be killed")
		l, _ := zeroth.Read(filepath.Join(killed, replayLog)) // its end may be torn
		require.NotNil(t, l)
		step, _ := l.Last()
		require.GreaterOrEqual(t, int(step), at, "the log has what the checkpoint stands on")
		ahead = ahead || int(step) > at
		t.Logf("killed behind step %d, the last whole checkpoint is of step %d, the log's last step is %d", goal, at, step)
	}
	require.Greater(t, at, 0)
	require.True(t, ahead, "no kill left the log ahead of the checkpoint")
	code, errs = startChild(t, ".", nil, args("killed", resumeAfter(at)...)...).end()
	require.Zero(t, code, errs)
	same(t, filepath.Join(optim, "straight"), killed, "adapter_model.safetensors", "adapter_config.json", replayLog)
	require.Equal(t, losses(t, filepath.Join(optim, "straight")), losses(t, killed))
}

// A log that does not reach the checkpoint, or is not there, cannot be gone on with: nothing is made up.
func TestResumeWantsTheLog(t *testing.T) {
	dir, rows, out := tinyModel(t, "bert"), tinyLabels(t, 16), filepath.Join(t.TempDir(), "out")
	args := mezoRun(dir, rows, out, "--save-strategy", "steps", "--save-steps", "3")
	code, _, errs := luthier(t, args...)
	require.Zero(t, code, errs)
	path := filepath.Join(out, replayLog)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	longer := append(args[:len(args):len(args)], "--max-steps", "9", "--resume", "--force")

	require.NoError(t, os.WriteFile(path, raw[:len(raw)-96], 0o644))
	code, _, errs = luthier(t, longer...)
	require.NotZero(t, code)
	require.Contains(t, errs, "and the run goes on from step 7")

	require.NoError(t, os.Remove(path))
	code, _, errs = luthier(t, longer...)
	require.NotZero(t, code)
	require.Contains(t, errs, replayLog)

	require.NoError(t, os.WriteFile(path, raw, 0o644))
	code, _, errs = luthier(t, longer...)
	require.Zero(t, code, errs)
	l, err := zeroth.Read(path)
	require.NoError(t, err)
	require.Len(t, l.Records, 9)
}
