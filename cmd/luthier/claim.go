package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"luthier/internal/atomicfile"
)

// claim makes and locks the output directory. One that holds another run is refused.
func (s *trainSettings) claim(ctx context.Context) (func(), error) {
	if err := apartFrom(s.out, s.model, s.initAdapter); err != nil {
		return nil, err
	}
	if s.resume == "" && !s.overwrite {
		if mark := runIn(s.out); mark != "" {
			return nil, usage("%s holds another run (%s): go on with --resume, replace it with --overwrite, or choose another --out", s.out, mark)
		}
	}
	return holdDir(ctx, s.out)
}

// runIn is a file by which dir is known to hold a run, "" for none.
func runIn(dir string) string {
	for _, mark := range []string{configFile, recordFile, "adapter_config.json", "trainer_state.json", "config.json", "metrics.jsonl", replayLog} {
		if exists(dir, mark) {
			return mark
		}
	}
	return ""
}

// nothingSaved is the error of --resume where there is no checkpoint: what a run leaves that was killed before its first is replaced.
func (s *trainSettings) nothingSaved(err error) error {
	remedy := "leave --resume out to start"
	if runIn(s.out) != "" {
		remedy = "start again with --overwrite in place of --resume"
	}
	return &codeError{exitCheckpoint, fmt.Errorf("--resume: %w; %s", err, remedy)}
}

// holdDir makes and locks an output directory. The returned function lets go of it, and removes it where nothing was written: a command
// that is refused leaves nothing behind.
func holdDir(ctx context.Context, out string) (func(), error) {
	made, err := makeDirs(out)
	var lock *atomicfile.Lock
	if err == nil {
		lock, err = atomicfile.LockDir(out)
	}
	release := sync.OnceFunc(func() {
		_ = lock.Release() // the system releases it at exit at the latest
		for _, dir := range made {
			_ = os.Remove(dir) // only where it is empty
		}
	})
	if err == nil {
		interruptsOf(ctx).tidies(release)
		return release, nil
	}
	release()
	var busy *atomicfile.BusyError
	if errors.As(err, &busy) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return nil, err
	}
	return nil, usage("--out: %v: choose another directory", err)
}

// fillHeld puts what fill writes into the output directory of a command that trains nothing: all of it, or on an error nothing.
func fillHeld(ctx context.Context, out string, fill func(dir string) error) error {
	release, err := holdDir(ctx, out)
	if err != nil {
		return err
	}
	defer release()
	interruptsOf(ctx).works(writing)
	if _, err := atomicfile.Recover(out); err != nil {
		return err
	}
	return atomicfile.FillDir(out, fill)
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

// apartFrom refuses an output directory that is one of those read: what stands there would be replaced.
func apartFrom(out string, read ...string) error {
	have, err := os.Stat(out)
	if err != nil {
		return nil // not there yet, or told where it is made
	}
	for _, dir := range read {
		if st, err := os.Stat(dir); err == nil && os.SameFile(have, st) {
			return usage("--out %s: is read by this command and would be replaced: choose another directory", out)
		}
	}
	return nil
}
