// Package atomicfile writes files and directories so that a reader, a kill or a full disk sees either the old
// content or the new, never a part of it: build beside the target, sync, rename, sync the directory.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// tmpPrefix and the 16 hex digits after it name what is being built. Recover removes nothing that does not match both,
// so a user's own ".tmp-notes" is safe.
const tmpPrefix = ".tmp-"

// bufferBytes is small against a tensor and large against a line of JSON.
const bufferBytes = 256 << 10

// WriteFile replaces path by what write produces. The content is buffered, synced and renamed into place, and the
// directory is synced, before WriteFile returns nil. On an error or a panic in write the temporary file is removed
// and an existing path keeps its content. perm is subject to the umask, as for os.OpenFile.
func WriteFile(path string, perm fs.FileMode, write func(io.Writer) error) (err error) {
	f, err := createBeside(path, perm)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := fill(f, write); err != nil {
		return explain(path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return explain(path, err)
	}
	done = true
	return syncDir(filepath.Dir(path))
}

// fill writes, syncs and closes f: after it the bytes are on the disk, or the error says why not.
func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, bufferBytes)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// createBeside opens a new temporary file in the directory of path; os.CreateTemp would ignore the umask.
func createBeside(path string, perm fs.FileMode) (*os.File, error) {
	for range 100 {
		f, err := os.OpenFile(filepath.Join(filepath.Dir(path), tmpName()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			if err != nil {
				return nil, explain(path, err)
			}
			return f, nil
		}
	}
	return nil, fmt.Errorf("%s: no free temporary name beside it: remove the %s* files there", path, tmpPrefix)
}

func tmpName() string { return fmt.Sprintf("%s%016x", tmpPrefix, rand.Uint64()) }

func isTmpName(name string) bool {
	digits, ok := strings.CutPrefix(name, tmpPrefix)
	return ok && len(digits) == 16 && strings.Trim(digits, "0123456789abcdef") == ""
}

// tmpPath is the path of a directory that is being built.
var tmpPath = regexp.MustCompile(`\S*\` + tmpPrefix + `[0-9a-f]{16}/`)

// notWritten says that path has its old content.
type notWritten struct {
	path string
	err  error
}

// Error leaves out what the user has no name for: the temporary file, and the file inside a directory that is not written as a whole.
func (e *notWritten) Error() string {
	var inner *notWritten
	if errors.As(e.err, &inner) {
		return (&notWritten{e.path, inner.err}).Error()
	}
	for _, full := range []struct {
		errno  syscall.Errno
		remedy string
	}{
		{syscall.ENOSPC, "free some space and try again"},
		{syscall.EDQUOT, "free some of your space, or have your quota raised, and try again"},
		{syscall.EFBIG, "raise the limit of file sizes (ulimit -f), or choose another file system, and try again"},
	} {
		if errors.Is(e.err, full.errno) {
			return fmt.Sprintf("%s: not written, what was there before is untouched: %v: %s", e.path, full.errno, full.remedy)
		}
	}
	err := e.err
	var at *fs.PathError
	if errors.As(err, &at) && strings.Contains(at.Path, tmpPrefix) {
		err = at.Err
	}
	return fmt.Sprintf("%s: not written: %s", e.path, tmpPath.ReplaceAllString(err.Error(), ""))
}

func (e *notWritten) Unwrap() error { return e.err }

// explain adds the path.
func explain(path string, err error) error { return &notWritten{path, err} }
