package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/train"
)

// diskStages are failures of the output directory. What was there before the run, and its last checkpoint, stay whole in each.
var diskStages = []stage{
	{failure{"a read-only output directory", "", 2, []string{"--out", "choose another directory"}}, readOnly},
	{failure{"an output directory that becomes read-only", "", 1, []string{"sealing/checkpoint-", "permission denied", "make it writable"}}, becomesReadOnly},
	{failure{"a full disk", "", 1, []string{"no space left on device", "free some space"}}, fullDisk},
	{failure{"a full disk under a finished adapter", "", 1, []string{"no space left on device", "free some space"}}, fullUnderAdapter},
	{failure{"a limit of file sizes", "", 1, []string{"limited/checkpoint-", "file too large", "ulimit -f"}}, fileSizeLimit},
}

// mount puts a file system of its own on a new directory, or skips where that is not allowed.
func mount(t *testing.T, dir, options string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o755))
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system of its own can be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() { require.NoError(t, exec.Command("umount", dir).Run()) })
}

func readOnly(t *testing.T) (int, string) {
	mount(t, "sealed", "ro")
	code, _, errs := luthier(t, runLine("sealed/out")...)
	return code, errs
}

// fullDisk trains until the disk is full: every checkpoint that is there is whole, and the run goes on from the last where there is room.
func fullDisk(t *testing.T) (int, string) {
	mount(t, "small", "size=400k")
	more := []string{"--max-steps", "60"}
	code, _, errs := luthier(t, runLine("small/out", more...)...)
	steps, err := train.Checkpoints("small/out")
	require.NoError(t, err)
	require.NotEmpty(t, steps)
	require.NoFileExists(t, "small/out/adapter_model.safetensors")
	require.NoError(t, os.CopyFS("roomy", os.DirFS("small/out")))
	again, out, last := luthier(t, runLine("roomy", append(more, "--resume")...)...)
	require.Zero(t, again, last)
	require.Contains(t, out, "from step ")
	return code, errs
}

// fullUnderAdapter replaces a finished adapter where there is no room for another: it stays, and works.
func fullUnderAdapter(t *testing.T) (int, string) {
	mount(t, "tight", "size=400k")
	code, _, errs := luthier(t, "train", "--model", "bert", "--data", "rows.tsv", "--out", "tight/out", "--max-steps", "1")
	require.Zero(t, code, errs)
	before := usable(t, "tight/out")
	leave(t, "tight", 8<<10)
	code, _, errs = luthier(t, "train", "--model", "bert", "--data", "rows.tsv", "--out", "tight/out", "--max-steps", "1", "--overwrite", "--lora-r", "4")
	require.Equal(t, before, usable(t, "tight/out"))
	return code, errs
}

// usable answers with an adapter; what it says is returned with the files that it was read from.
func usable(t *testing.T, dir string) string {
	t.Helper()
	code, out, errs := luthier(t, "predict", "--adapter", dir, "--model", "bert", "--json", "good wood")
	require.Zero(t, code, errs)
	for _, name := range []string{"adapter_config.json", "adapter_model.safetensors", recordFile} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		out += string(raw)
	}
	return out
}

// leave fills a file system up to so many bytes.
func leave(t *testing.T, dir string, free int) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "filler")))
	f, err := os.Create(filepath.Join(dir, "filler"))
	require.NoError(t, err)
	defer f.Close()
	block := make([]byte, 4<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	size, err := f.Seek(0, io.SeekCurrent)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(max(0, size-int64(free))))
}

// TestFullDiskAnywhere lets the disk fill up ever later: with each amount of free space the run ends as a whole or says what is wrong, and
// the adapter that is there, the old one or the new, works with the settings beside it.
func TestFullDiskAnywhere(t *testing.T) {
	t.Chdir(t.TempDir())
	failureFiles(t)
	mount(t, "disk", "size=1m")
	args := []string{"train", "--model", "bert", "--data", "rows.tsv", "--out", "disk/out", "--max-steps", "2", "--save-steps", "1", "--overwrite"}
	code, _, errs := luthier(t, args...)
	require.Zero(t, code, errs)
	old := usable(t, "disk/out")
	failed := 0
	for free := 0; ; free += 4 << 10 {
		saved, err := filepath.Glob("disk/out/checkpoint-*")
		require.NoError(t, err)
		for _, dir := range saved { // the next run would remove them, and have their room
			require.NoError(t, os.RemoveAll(dir))
		}
		leave(t, "disk", free)
		code, _, errs = luthier(t, append(args, "--lora-r", "4")...)
		now := usable(t, "disk/out")
		if code == exitDone {
			require.NotEqual(t, old, now)
			break
		}
		failed++
		require.Equal(t, exitOther, code, errs)
		require.Contains(t, lastMessage(errs), "no space left on device")
		require.Contains(t, lastMessage(errs), "free some space")
		require.Equal(t, old, now)
		steps, err := train.Checkpoints("disk/out")
		require.NoError(t, err)
		for _, s := range steps {
			usable(t, filepath.Join("disk/out", "checkpoint-"+string(rune('0'+s))))
		}
		require.Less(t, failed, 60, "it never ends")
	}
	require.Greater(t, failed, 2)
	t.Logf("%d runs failed and left the old adapter, the next had the room", failed)
}

// fileSizeLimit saves under a limit that a checkpoint exceeds: an error, not the signal that ends a process.
func fileSizeLimit(t *testing.T) (int, string) {
	if runtime.GOOS == "windows" {
		t.Skip("no limit of file sizes on Windows")
	}
	args := append([]string{"-c", `ulimit -f 16 && exec "$0" "$@"`, os.Args[0]}, runLine("limited", "--target-modules", "all-linear", "--device", "float64")...)
	c := startCommand(t, ".", nil, exec.Command("sh", args...))
	return c.end()
}

// becomesReadOnly seals the output directory behind the first checkpoint of a run, and goes on from there when it is open again. The
// superuser may write in sealed directories; the run is started without that right.
func becomesReadOnly(t *testing.T) (int, string) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows seals no directory by its mode")
	}
	args := runLine("sealing", "--max-steps", "200", "--schedule", "constant", "--device", "float64")
	cmd := exec.Command(os.Args[0], args...)
	if os.Geteuid() == 0 {
		if _, err := exec.LookPath("setpriv"); err != nil {
			t.Skip("the superuser may write everywhere, and there is no setpriv to give that up")
		}
		cmd = exec.Command("setpriv", append([]string{"--bounding-set", "-dac_override", os.Args[0]}, args...)...)
	}
	c := startCommand(t, ".", nil, cmd)
	require.True(t, c.until("step 2/"), c.errOut.String())
	require.NoError(t, os.Chmod("sealing", 0o555))
	code, errs := c.end()
	require.NoError(t, os.Chmod("sealing", 0o755))
	at := last(t, "sealing")
	require.Positive(t, at)
	var out, more strings.Builder
	again := run(context.Background(), runLine("sealing", "--max-steps", itoa(at+1), "--schedule", "constant", "--resume", "--device", "float64"), strings.NewReader(""), &out, &more)
	require.Zero(t, again, more.String())
	require.Contains(t, out.String(), "from step "+itoa(at))
	return code, errs
}
