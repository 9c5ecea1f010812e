package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// lockName is the file that holds a directory's lock; inside are the process id of the holder and its host, each on a line.
const lockName = ".lock"

// Lock is a directory held by this process. The system lets go of it when the process ends, however it ends.
type Lock struct{ f *os.File }

// BusyError says that another run holds Dir.
type BusyError struct {
	Dir  string
	PID  int    // process id of the holder, 0 if it could not be read
	Host string // its machine: a directory may be shared; "" if unknown
}

func (e *BusyError) Error() string {
	who := "another run"
	if e.PID > 0 {
		who = fmt.Sprintf("another run (process %d)", e.PID)
		if e.Host != "" {
			who = fmt.Sprintf("another run (process %d on %s)", e.PID, e.Host)
		}
	}
	return fmt.Sprintf("%s: in use by %s: wait until it has ended, or choose another output directory", e.Dir, who)
}

// LockDir takes the advisory lock of dir, which must exist, without waiting. It returns a *BusyError where another
// process, or another LockDir of this one, holds it.
func LockDir(dir string) (*Lock, error) {
	path := filepath.Join(dir, lockName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, fmt.Errorf("%s: cannot be locked: %w", dir, err)
		}
		free, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: this file system takes no locks: %w", dir, err)
		}
		if !free {
			busy := &BusyError{Dir: dir}
			busy.PID, busy.Host = readHolder(f)
			f.Close()
			return nil, busy
		}
		if stillNamed(f, path) {
			return hold(f, dir)
		}
		// The holder before us removed the file after we had opened it: nobody else will see our lock.
		f.Close()
	}
}

func hold(f *os.File, dir string) (*Lock, error) {
	err := f.Truncate(0)
	if err == nil {
		host, _ := os.Hostname() // a name less in a message
		_, err = fmt.Fprintf(io.NewOffsetWriter(f, 0), "%d\n%s\n", os.Getpid(), host)
	}
	if err != nil {
		f.Close()
		return nil, explain(filepath.Join(dir, lockName), err)
	}
	return &Lock{f: f}, nil
}

// Release gives the directory free and removes the lock file. It may be called more than once, and on nil.
func (l *Lock) Release() error {
	if l == nil || l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	// Removed while still locked: see stillNamed. Windows removes no open file, neither ours nor one that another process has opened since.
	removed := os.Remove(f.Name())
	err := f.Close()
	if removed != nil && runtime.GOOS == "windows" {
		os.Remove(f.Name())
	}
	return err
}

func stillNamed(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errors.Join(errA, errB) == nil && os.SameFile(a, b)
}

func readHolder(f *os.File) (pid int, host string) {
	text, _ := io.ReadAll(io.NewSectionReader(f, 0, 300))
	first, host, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0, ""
	}
	return pid, strings.TrimSpace(host)
}
