package main

import (
	"errors"
	"os"
	"path/filepath"

	"luthier/internal/atomicfile"
)

// claim makes and locks the output directory. One that holds another run is refused. The returned function lets go of it, and removes it
// where nothing was written: a run that is refused leaves nothing behind.
func (s *trainSettings) claim() (func(), error) {
	if s.resume == "" && !s.overwrite {
		for _, mark := range []string{configFile, recordFile, "adapter_config.json", "trainer_state.json", "config.json", "metrics.jsonl", replayLog} {
			if exists(s.out, mark) {
				return nil, usage("%s holds another run (%s): go on with --resume, replace it with --overwrite, or choose another --out", s.out, mark)
			}
		}
	}
	made, err := makeDirs(s.out)
	var lock *atomicfile.Lock
	if err == nil {
		lock, err = atomicfile.LockDir(s.out)
	}
	release := func() {
		_ = lock.Release() // the system releases it at exit at the latest
		for _, dir := range made {
			_ = os.Remove(dir) // only where it is empty
		}
	}
	if err == nil {
		return release, nil
	}
	release()
	var busy *atomicfile.BusyError
	if errors.As(err, &busy) {
		return nil, err
	}
	return nil, usage("--out: %v: choose another directory", err)
}

// makeDirs is os.MkdirAll; it lists what was not there, the innermost first.
func makeDirs(path string) (made []string, err error) {
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return made, os.MkdirAll(path, 0o777)
		}
		made = append(made, dir)
	}
}
