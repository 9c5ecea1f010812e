package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
	"luthier/train"
)

// stage is a failure that needs more than a command line: a run before it, a process of its own, a file system.
type stage struct {
	failure
	run func(t *testing.T) (code int, errs string)
}

// runLine trains into out with a checkpoint each step.
func runLine(out string, more ...string) []string {
	return append([]string{"train", "--model", "bert", "--data", "rows.tsv", "--out", out, "--save-steps", "1", "--save-total-limit", "0", "--log-steps", "1"}, more...)
}

var staged = []stage{
	{failure{"no adapter", "", 4, []string{"no usable adapter", "install"}}, noAdapter},
	{failure{"a NaN in the model", "", 6, []string{`nan: tensor "bert.pooler.dense.weight"`, "diverged at step 1", "fetch the model again"}}, nanModel},
	{failure{"a NaN in the model, without gradients", "", 6, []string{`nan: tensor "bert.pooler.dense.weight"`, "fetch the model again"}}, nanForward},
	{failure{"a learning rate that diverges", "", 6, []string{"diverged at step 2", "--lr"}}, diverged},
	{failure{"resuming with other settings", "", 8, []string{"batch_size was 8, is 4", "r was 8, is 2", "--force"}}, mismatch},
	{failure{"a damaged checkpoint", "", 8, []string{"checkpoint-2/trainable.safetensors", "damaged", "--resume"}}, damagedCheckpoint},
	{failure{"a checkpoint without its manifest", "", 8, []string{"checkpoint-2/manifest.json"}}, torn},
	{failure{"two runs in one directory", "", 1, []string{"in use by another run (process ", " on ", "another output directory"}}, locked},
	{failure{"Ctrl-C", "", 130, []string{"interrupted", "--resume"}}, func(t *testing.T) (int, string) { return interrupted(t, "stopped", os.Interrupt) }},
	{failure{"SIGTERM", "", 130, []string{"interrupted", "--resume"}}, func(t *testing.T) (int, string) { return interrupted(t, "ended", syscall.SIGTERM) }},
	{failure{"Ctrl-C or SIGTERM while a model is loaded", "", 130, []string{"interrupted: nothing was written"}}, func(t *testing.T) (int, string) {
		code, errs, _ := interruptedEarly(t, syscall.SIGTERM, refusedRun)
		return code, errs
	}},
	{failure{"Ctrl-C or SIGTERM in a first step that takes long", "", 130, []string{"interrupted in the first step", "--overwrite"}}, interruptedFirst},
	{failure{"Ctrl-C twice", "", 130, []string{"aborted without saving", "--resume"}}, interruptedTwice},
}

func noAdapter(t *testing.T) (int, string) {
	if runtime.GOOS != "linux" {
		t.Skip("only Vulkan's loader can be told to find nothing")
	}
	c := startChild(t, ".", []string{"VK_DRIVER_FILES=none.json", "VK_ICD_FILENAMES=none.json"}, strings.Fields(refusedRun)...)
	code, errs := c.end()
	require.NoDirExists(t, "out")
	return code, errs
}

func nanModel(t *testing.T) (int, string) {
	code, _, errs := luthier(t, "train", "--model", "nan", "--data", "rows.tsv", "--out", "nan-out")
	require.NoFileExists(t, "nan-out/adapter_model.safetensors")
	require.NoDirExists(t, "nan-out/checkpoint-1")
	return code, errs
}

// nanForward skips every step for want of a loss: however few they are, that is no success.
func nanForward(t *testing.T) (int, string) {
	code, _, errs := luthier(t, "train", "--model", "nan", "--data", "rows.tsv", "--out", "nan-forward", "--optim", "mezo", "--max-steps", "3")
	require.NoFileExists(t, "nan-forward/adapter_model.safetensors")
	return code, errs
}

// diverged saves step 1, whose weights are huge and finite; what it does next has no value.
func diverged(t *testing.T) (int, string) {
	code, _, errs := luthier(t, runLine("wild", "--lr", "1e30")...)
	require.NoFileExists(t, "wild/adapter_model.safetensors")
	steps, err := train.Checkpoints("wild")
	require.NoError(t, err)
	require.Equal(t, []int{1}, steps)
	finite(t, "wild/checkpoint-1/adapter_model.safetensors")
	return code, errs
}

// finite opens a file of tensors and looks at every number.
func finite(t *testing.T, path string) {
	t.Helper()
	f, err := safetensors.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.NotEmpty(t, f.Names())
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		values := make([]float32, x.Elems())
		require.NoError(t, x.Float32(values))
		_, bad := safetensors.FirstNonFiniteFloat32(values)
		require.False(t, bad, name)
	}
}

func mismatch(t *testing.T) (int, string) {
	code, _, errs := luthier(t, runLine("other", "--max-steps", "2")...)
	require.Zero(t, code, errs)
	before := contents(t, "other")
	code, _, errs = luthier(t, runLine("other", "--max-steps", "2", "--resume", "--batch-size", "4", "--lora-r", "2")...)
	require.Equal(t, before, contents(t, "other"), "a refused run changes nothing")
	return code, errs
}

// contents of the files in a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if !e.IsDir() {
			raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			out[e.Name()] = string(raw)
		}
	}
	return out
}

func damagedCheckpoint(t *testing.T) (int, string) {
	code, _, errs := luthier(t, runLine("bent", "--max-steps", "2")...)
	require.Zero(t, code, errs)
	path := "bent/checkpoint-2/trainable.safetensors"
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	raw[len(raw)-1] ^= 1
	require.NoError(t, os.WriteFile(path, raw, 0o644))
	code, _, errs = luthier(t, runLine("bent", "--max-steps", "4", "--schedule", "constant", "--resume", "--force")...)
	again, _, _ := luthier(t, runLine("bent", "--max-steps", "2", "--resume=bent/checkpoint-1")...)
	require.Zero(t, again, "the checkpoint before it is whole")
	return code, errs
}

func torn(t *testing.T) (int, string) {
	code, _, errs := luthier(t, runLine("torn", "--max-steps", "2")...)
	require.Zero(t, code, errs)
	require.NoError(t, os.Remove("torn/checkpoint-2/manifest.json"))
	code, _, errs = luthier(t, runLine("torn", "--max-steps", "2", "--resume=torn/checkpoint-2")...)
	again, out, _ := luthier(t, runLine("torn", "--max-steps", "2", "--resume")...)
	require.Zero(t, again)
	require.Contains(t, out, "from step 1", "the last whole one is taken")
	return code, errs
}

// locked starts a run where another is at work, which goes on undisturbed; once that is killed the directory is free.
func locked(t *testing.T) (int, string) {
	first := startChild(t, ".", nil, runLine("taken", "--epochs", "200", "--device", "float64")...)
	require.True(t, first.until("step 1/"), "%s", &first.errOut)
	for _, more := range [][]string{{"--resume"}, {"--overwrite"}} {
		code, _, errs := luthier(t, runLine("taken", more...)...)
		require.Equal(t, exitOther, code, errs)
		require.Contains(t, errs, fmt.Sprintf("process %d on ", first.cmd.Process.Pid))
	}
	code, _, errs := luthier(t, "merge", "--adapter", "adapter", "--model", "bert", "--out", "taken")
	require.True(t, first.until("step 2/"), "%s", &first.errOut)
	require.NoError(t, first.cmd.Process.Kill())
	first.end()
	again, _, more := luthier(t, runLine("taken", "--max-steps", "2", "--overwrite")...)
	require.Zero(t, again, more)
	return code, errs
}

func interrupted(t *testing.T, out string, signal os.Signal) (int, string) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that one process could send to another as Ctrl-C")
	}
	args := []string{"train", "--model", "bert", "--data", "rows.tsv", "--out", out, "--epochs", "20", "--log-steps", "1", "--save-strategy", "no", "--device", "float64"}
	c := startChild(t, ".", nil, args...)
	require.True(t, c.until("step 3/"), c.errOut.String())
	require.NoError(t, c.cmd.Process.Signal(signal))
	code, errs := c.end()
	steps, err := train.Checkpoints(out)
	require.NoError(t, err)
	require.Len(t, steps, 1)
	again, _, more := luthier(t, append(args, "--resume")...)
	require.Zero(t, again, more)
	require.FileExists(t, filepath.Join(out, "adapter_model.safetensors"))
	return code, errs
}

// interruptedFirst does not wait for the first step of a run, which takes long and which nothing was trained before.
func interruptedFirst(t *testing.T) (int, string) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that one process could send to another as Ctrl-C")
	}
	manyRows(t)
	c := startChild(t, ".", nil, slowLine("first", "--accumulate", "20000")...)
	require.True(t, c.until("steps:"), "%s", &c.errOut)
	time.Sleep(500 * time.Millisecond) // into the step
	began := time.Now()
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	code, errs := c.end()
	require.Less(t, time.Since(began), patience+5*time.Second)
	require.Zero(t, last(t, "first"))
	return code, errs
}

// interruptedTwice does not wait for a later step that takes long. The checkpoint before it stays.
func interruptedTwice(t *testing.T) (int, string) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that one process could send to another as Ctrl-C")
	}
	manyRows(t)
	c := startChild(t, ".", nil, slowLine("aborted", "--accumulate", "4000")...)
	require.True(t, c.until("saved aborted/checkpoint-1"), "%s", &c.errOut)
	time.Sleep(500 * time.Millisecond) // into the second step, which takes some ten seconds
	began := time.Now()
	require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
	time.Sleep(500 * time.Millisecond)
	require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
	code, errs := c.end()
	require.Less(t, time.Since(began), 6*time.Second)
	require.Contains(t, errs, "finishing the step; once more to abort")
	require.Equal(t, 1, last(t, "aborted"))
	return code, errs
}

// manyRows writes data for steps that take long.
func manyRows(t *testing.T) {
	t.Helper()
	var rows strings.Builder
	rows.WriteString("text\tlabel\n")
	for i := range 20_000 {
		fmt.Fprintf(&rows, "good wood number %d\t%s\n", i, []string{"positive", "negative"}[i%2])
	}
	require.NoError(t, os.WriteFile("twenty.tsv", []byte(rows.String()), 0o644))
}

// slowLine is a run on them, a row at a time on the float64 device.
func slowLine(out string, more ...string) []string {
	return append(runLine(out, "--data", "twenty.tsv", "--batch-size", "1", "--device", "float64"), more...)
}
