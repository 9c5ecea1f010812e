package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"luthier/internal/atomicfile"
)

// Names of the records of a run in its output directory.
const (
	metricsName = "metrics.jsonl"
	plotName    = "loss.svg"
	stateName   = "trainer_state.json"
)

// metricsFile appends JSON objects, one a line, each whole on its way to the disk before the next. A nil one takes everything and keeps nothing.
type metricsFile struct{ f *os.File }

// openMetrics opens the file for what comes after step; lines of later steps, and a last line that a kill cut short, are dropped.
func openMetrics(dir string, step int) (*metricsFile, error) {
	path := filepath.Join(dir, metricsName)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	kept := linesUpTo(old, step)
	if !bytes.Equal(kept, old) {
		if err := atomicfile.WriteFile(path, 0o666, writeBytes(kept)); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	return &metricsFile{f}, nil
}

// linesUpTo keeps the whole lines whose step is at most step.
func linesUpTo(raw []byte, step int) []byte {
	var out []byte
	for line := range bytes.Lines(raw) {
		var at struct{ Step *int }
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &at) != nil || at.Step == nil || *at.Step > step {
			continue
		}
		out = append(out, line...)
	}
	return out
}

func (m *metricsFile) add(v any) error {
	if m == nil {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", metricsName, err)
	}
	_, err = m.f.Write(append(raw, '\n'))
	return err
}

func (m *metricsFile) sync() error {
	if m == nil {
		return nil
	}
	return m.f.Sync()
}

func (m *metricsFile) close() error {
	if m == nil {
		return nil
	}
	return errors.Join(m.f.Sync(), m.f.Close())
}

// records writes what a reader of the output directory wants beside the adapter.
func (l *Loop) records() error {
	if l.Dir == "" {
		return nil
	}
	raw, err := l.state()
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(l.Dir, stateName), 0o666, writeBytes(raw)); err != nil {
		return err
	}
	return l.draw()
}
