package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFillDir(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "own"), []byte("mine"), 0o644))
	require.NoError(t, FillDir(dir, func(tmp string) error { return twoFiles(tmp, 2) }))
	assert.Equal(t, []string{"a", "b", "own"}, names(t, dir))
	assert.Equal(t, "2", read(t, dir, "a"))
	assert.Equal(t, "2", read(t, dir, "b"))

	full := func(tmp string) error {
		return errors.Join(os.WriteFile(filepath.Join(tmp, "a"), []byte("3"), 0o644), &os.PathError{Op: "write", Path: "b", Err: syscall.ENOSPC})
	}
	require.EqualError(t, FillDir(dir, full), dir+": not written, what was there before is untouched: no space left on device: free some space and try again")
	require.Panics(t, func() { _ = FillDir(dir, func(string) error { panic("in build") }) })
	require.ErrorContains(t, FillDir(dir, func(tmp string) error {
		return errors.Join(os.WriteFile(filepath.Join(tmp, "a"), []byte("4"), 0o644), os.Mkdir(filepath.Join(tmp, "b"), 0o755))
	}), "b: is a directory")
	assert.Equal(t, []string{"a", "b", "own"}, names(t, dir), "nothing is left beside")
	assert.Equal(t, "2", read(t, dir, "a"))
	require.Error(t, FillDir(filepath.Join(dir, "none"), full))
}

// A full disk, a full quota and a limit of file sizes each bring their own remedy.
func TestExplainFull(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{syscall.ENOSPC: "free some space", syscall.EDQUOT: "quota", syscall.EFBIG: "ulimit -f"} {
		assert.ErrorContains(t, explain("out", &os.PathError{Op: "write", Path: "x", Err: errno}), want)
	}
	assert.EqualError(t, explain("out", &os.PathError{Op: "mkdir", Path: "d/.tmp-00", Err: syscall.EACCES}), "out: not written: permission denied")
	assert.EqualError(t, explain("out", errors.New("a/out/.tmp-0123456789abcdef/model.safetensors: no")), "out: not written: model.safetensors: no")
}
