package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
	"luthier/zeroth"
)

// startFile holds, beside a replay log, what the run started from and neither the base model nor the seed gives again: the tensors of
// --init-adapter, the head of a linear probe. A run that has none of these has no such file.
const startFile = "replay-start.safetensors"

// writeStart writes the file where there is something to write.
func (j *job) writeStart(dir string, ts []zeroth.Tensor) error {
	if dir == "" {
		return nil
	}
	var out []safetensors.Out
	for _, t := range ts {
		if _, given := j.src.weights.Given(t.Name); given && t.F32 != nil {
			out = append(out, safetensors.FromFloat32(t.Name, safetensors.F32, []int{t.Rows, t.Cols}, t.F32))
		}
	}
	if len(out) == 0 { // what another run left is not this one's
		if err := os.Remove(filepath.Join(dir, startFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return atomicfile.WriteFile(filepath.Join(dir, startFile), 0o644, func(w io.Writer) error { return safetensors.Write(w, out, nil) })
}

// startPath is the file that a replay starts from, if any.
func (s *replaySettings) startPath() string {
	if s.start == "" && exists(filepath.Dir(s.log), startFile) {
		return filepath.Join(filepath.Dir(s.log), startFile)
	}
	return s.start
}

// giveStart sets the weights that a run started from, ahead of the checkpoint's.
func (j *job) giveStart(path string) error {
	start, err := readStart(path)
	if err != nil {
		return err
	}
	for name, x := range start {
		j.src.weights.Give(name, x)
	}
	return nil
}

// initSeed is the seed of the run's fresh parameters: its own where the run had one apart, else the run's.
func initSeed(h *zeroth.Header) (uint64, error) {
	v, ok := h.Settings["init_seed"]
	if !ok {
		return h.Seed, nil
	}
	text, _ := v.(string)
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the header's init_seed %v: want a whole number as a string", v)
	}
	return seed, nil
}

// readStart reads it: values by name, none where there is no file.
func readStart(path string) (map[string][]float32, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, badData(err)
	}
	defer f.Close()
	out := map[string][]float32{}
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		x := make([]float32, t.Elems())
		if err := t.Float32(x); err != nil {
			return nil, badData(err)
		}
		out[name] = x
	}
	return out, nil
}
