package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(b)
}

func put(t *testing.T, text string, path ...string) {
	t.Helper()
	p := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
	require.NoError(t, os.WriteFile(p, []byte(text), 0o644))
}

func writes(text string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
}

func TestWriteFileReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	require.NoError(t, WriteFile(path, 0o640, writes("one")))
	st, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" { // which has no such rights
		assert.Zero(t, st.Mode().Perm()&^0o640, "no right that was not asked for")
	}
	require.NoError(t, WriteFile(path, 0o640, writes(strings.Repeat("x", 3*bufferBytes+1))))
	assert.Len(t, read(t, path), 3*bufferBytes+1)
	assert.Equal(t, []string{"a"}, names(t, dir))
}

func TestWriteFileFailureKeepsOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	put(t, "old", path)
	boom := errors.New("boom")
	cases := map[string]struct {
		fault error
		says  string
	}{
		"own error": {boom, "not written: boom"},
		"disk full": {&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "free some space"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := WriteFile(path, 0o644, func(w io.Writer) error {
				require.NoError(t, writes("new")(w))
				assert.Equal(t, "old", read(t, path), "visible only when whole")
				return c.fault
			})
			require.ErrorIs(t, err, c.fault)
			assert.ErrorContains(t, err, c.says)
			assert.ErrorContains(t, err, path)
			assert.Equal(t, []string{"a"}, names(t, dir))
			assert.Equal(t, "old", read(t, path))
		})
	}
	assert.Panics(t, func() { _ = WriteFile(path, 0o644, func(io.Writer) error { panic("in write") }) })
	assert.Equal(t, []string{"a"}, names(t, dir))

	require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	assert.Error(t, WriteFile(filepath.Join(dir, "d"), 0o644, writes("new")), "a directory is not replaced by a file")
	assert.Equal(t, []string{"a", "d"}, names(t, dir))
	assert.ErrorIs(t, WriteFile(filepath.Join(dir, "none", "a"), 0o644, writes("x")), os.ErrNotExist)
}

func TestWriteDirReplaces(t *testing.T) {
	parent := t.TempDir()
	dst := filepath.Join(parent, "checkpoint-1")
	for _, text := range []string{"one", "two"} {
		require.NoError(t, WriteDir(dst, func(tmp string) error {
			assert.Equal(t, parent, filepath.Dir(tmp), "same file system")
			put(t, text, tmp, "sub", text)
			return nil
		}))
		assert.Equal(t, []string{text}, names(t, filepath.Join(dst, "sub")), "nothing of the previous one is left")
		assert.Equal(t, []string{"checkpoint-1"}, names(t, parent))
	}
	boom := errors.New("boom")
	err := WriteDir(dst, func(tmp string) error { put(t, "three", tmp, "x"); return boom })
	require.ErrorIs(t, err, boom)
	assert.Equal(t, []string{"checkpoint-1"}, names(t, parent))
	assert.Equal(t, "two", read(t, dst, "sub", "two"))

	file := filepath.Join(parent, "file")
	put(t, "x", file)
	assert.ErrorContains(t, WriteDir(file, func(string) error { return nil }), "is a file")
}

// Each state that a kill can leave, and what Recover makes of it.
func TestRecover(t *testing.T) {
	tmp := tmpName()
	cases := map[string]struct {
		files    []string
		left     []string
		restored []string
	}{
		"during build":        {[]string{tmp + "/x", "ck/old"}, []string{"ck"}, nil},
		"during WriteFile":    {[]string{tmp, "a"}, []string{"a"}, nil},
		"between the renames": {[]string{tmp + "/new", ".old-ck/old"}, []string{"ck"}, []string{"ck"}},
		"before removing old": {[]string{"ck/new", ".old-ck/old"}, []string{"ck"}, nil},
		"nothing happened":    {[]string{"ck/old"}, []string{"ck"}, nil},
		"names of other people": {[]string{".tmp-notes", ".tmp-0123456789abcdeg", ".old-file"},
			[]string{".old-file", ".tmp-0123456789abcdeg", ".tmp-notes"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			for _, f := range c.files {
				put(t, f, parent, f)
			}
			restored, err := Recover(parent)
			require.NoError(t, err)
			assert.Equal(t, c.restored, restored)
			assert.Equal(t, c.left, names(t, parent))
			if c.restored != nil {
				assert.Equal(t, []string{"old"}, names(t, filepath.Join(parent, "ck")))
			}
		})
	}
	restored, err := Recover(filepath.Join(t.TempDir(), "none"))
	assert.NoError(t, err)
	assert.Empty(t, restored)
}

// WriteDir on top of a killed WriteDir must not lose the only whole version if it fails itself.
func TestWriteDirAfterKill(t *testing.T) {
	parent := t.TempDir()
	put(t, "old", parent, ".old-ck", "x")
	dst := filepath.Join(parent, "ck")
	err := WriteDir(dst, func(string) error { return fmt.Errorf("disk on fire") })
	require.Error(t, err)
	assert.Equal(t, "old", read(t, dst, "x"))
	assert.Equal(t, []string{"ck"}, names(t, parent))
}
