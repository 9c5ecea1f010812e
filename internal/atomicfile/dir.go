package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// oldPrefix names the previous directory during the two renames of WriteDir.
const oldPrefix = ".old-"

// WriteDir replaces the directory dst by what build puts into the empty directory it is given. Everything in there is
// synced before it takes the name dst. On an error or a panic in build dst keeps its content.
//
// A directory cannot be renamed over a full one, so an existing dst first becomes ".old-<name>" beside it. A kill
// between the two renames leaves no dst; Recover, or the next WriteDir of the same dst, puts the old one back.
// Two processes must not write one dst at a time: see LockDir.
func WriteDir(dst string, build func(tmpDir string) error) (err error) {
	dst = filepath.Clean(dst)
	if err := settle(dst); err != nil {
		return err
	}
	if st, err := os.Stat(dst); err == nil && !st.IsDir() {
		return fmt.Errorf("%s: is a file, a directory is to be written there: remove or rename it", dst)
	}
	tmp := filepath.Join(filepath.Dir(dst), tmpName())
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return explain(dst, err)
	}
	done := false
	defer func() {
		if !done {
			os.RemoveAll(tmp)
		}
	}()
	if err := build(tmp); err != nil {
		return explain(dst, err)
	}
	if err := syncTree(tmp); err != nil {
		return explain(dst, err)
	}
	if err := swap(tmp, dst); err != nil {
		return explain(dst, err)
	}
	done = true
	return nil
}

// swap gives tmp the name dst and removes what had it. Each rename is on disk before the next step relies on it.
func swap(tmp, dst string) error {
	parent, old := filepath.Dir(dst), oldName(dst)
	err := os.Rename(dst, old)
	had := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(tmp, dst); err != nil {
		if had {
			return errors.Join(err, os.Rename(old, dst))
		}
		return err
	}
	if err := syncDir(parent); err != nil {
		return err
	}
	if had {
		// The new directory is in place: a failure to clear the old one is left to Recover.
		os.RemoveAll(old)
	}
	return nil
}

// Recover finishes in parent what a killed WriteFile or WriteDir left: an old directory whose successor never arrived
// gets its name back, other remains are removed. It returns the names restored, and nothing for a parent that does
// not exist. No writer may be at work in parent meanwhile; hold its lock (LockDir).
func Recover(parent string) (restored []string, err error) {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, e := range entries {
		if isTmpName(e.Name()) {
			faults = append(faults, os.RemoveAll(filepath.Join(parent, e.Name())))
		}
		name, ok := strings.CutPrefix(e.Name(), oldPrefix)
		if !ok || name == "" || !e.IsDir() {
			continue
		}
		_, missing := os.Lstat(filepath.Join(parent, name))
		fault := settle(filepath.Join(parent, name))
		if fault == nil && errors.Is(missing, fs.ErrNotExist) {
			restored = append(restored, name)
		}
		faults = append(faults, fault)
	}
	return restored, errors.Join(errors.Join(faults...), syncDir(parent))
}

// settle brings dst out of the state between the two renames of swap.
func settle(dst string) error {
	old := oldName(dst)
	if _, err := os.Lstat(old); err != nil {
		return nil
	}
	if _, err := os.Lstat(dst); err == nil {
		return os.RemoveAll(old)
	}
	if err := os.Rename(old, dst); err != nil {
		return fmt.Errorf("%s: the previous version could not be put back from %s: %w", dst, old, err)
	}
	return syncDir(filepath.Dir(dst))
}

func oldName(dst string) string {
	return filepath.Join(filepath.Dir(dst), oldPrefix+filepath.Base(dst))
}
