package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// FillDir puts the files that build makes in the empty directory it is given into dir, which must exist: beside what is there, and in
// place of what has their names. On an error, a full disk among them, and on a panic in build dir keeps all that it had, so that files
// which belong together never come from two runs. What a kill leaves is removed by Recover; one among the renames leaves part of the
// files old. Directories that build makes are refused.
func FillDir(dir string, build func(tmpDir string) error) error {
	tmp := filepath.Join(dir, tmpName())
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return explain(dir, err)
	}
	defer os.RemoveAll(tmp) // empty after the renames
	err := build(tmp)
	if err == nil {
		err = syncTree(tmp)
	}
	if err != nil {
		return explain(dir, err)
	}
	files, err := os.ReadDir(tmp)
	if err != nil {
		return explain(dir, err)
	}
	for _, f := range files {
		to := filepath.Join(dir, f.Name())
		if st, err := os.Stat(to); f.IsDir() || err == nil && st.IsDir() {
			return explain(dir, fmt.Errorf("%s: is a directory, a file is to be written there: remove or rename it", f.Name()))
		}
	}
	for _, f := range files {
		err = errors.Join(err, os.Rename(filepath.Join(tmp, f.Name()), filepath.Join(dir, f.Name())))
	}
	if err != nil {
		return explain(dir, err)
	}
	return syncDir(dir)
}
