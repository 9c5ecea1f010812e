package train

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"luthier/backend"
	"luthier/internal/atomicfile"
	"luthier/model/safetensors"
)

// Files of a checkpoint beside trainer_state.json and manifest.json. The adapter's own come from Loop.Adapter.
const (
	trainableName = "trainable.safetensors"
	optimizerName = "optimizer.safetensors"
)

// save writes checkpoint-N, whole or not at all, and removes those beyond the limit.
func (l *Loop) save(ctx context.Context) error {
	dir := filepath.Join(l.Dir, checkpointName(l.p.Step))
	l.p.BestSaved = l.p.BestSaved || l.p.Evaluated && l.p.BestStep == l.p.Step
	m, err := l.manifest()
	if err != nil {
		return err
	}
	if err := l.session.metrics.sync(); err != nil {
		return err
	}
	if err := atomicfile.WriteDir(dir, func(tmp string) error { return l.fill(ctx, tmp, m) }); err != nil {
		var bad *safetensors.NonFiniteError
		if errors.As(err, &bad) {
			return &DivergedError{Step: l.p.Step, Tensor: bad.Tensor}
		}
		return err
	}
	l.session.saved = l.p.Step
	l.Report.Saved(dir, l.p.Step)
	if err := l.records(); err != nil {
		return err
	}
	return l.rotate()
}

// fill writes a checkpoint's files into dir.
func (l *Loop) fill(ctx context.Context, dir string, m manifest) error {
	if err := l.Engine.write(ctx, filepath.Join(dir, trainableName), l.Engine.Trainable()); err != nil {
		return err
	}
	if err := l.Engine.write(ctx, filepath.Join(dir, optimizerName), l.Stepper.States()); err != nil {
		return err
	}
	if l.Adapter != nil {
		if err := l.Adapter(dir); err != nil {
			return err
		}
	}
	raw, err := l.state()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, stateName), raw, 0o666); err != nil {
		return err
	}
	for _, name := range []string{trainableName, optimizerName, stateName} {
		if m.Files[name], err = sumFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if raw, err = json.MarshalIndent(m, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), append(raw, '\n'), 0o666)
}

// write streams tensors of the store to a file, one in memory at a time. NaN and infinity are refused.
func (e *Engine) write(ctx context.Context, path string, names []string) (err error) {
	var out []safetensors.Out
	for _, name := range names {
		sig := e.shapes[name]
		out = append(out, safetensors.Out{Name: name, DType: dtypes[sig.DType], Shape: sig.Shape, Stream: func(w io.Writer) error {
			raw, err := e.Store.Read(ctx, name)
			if err != nil {
				return err
			}
			_, err = w.Write(raw)
			return err
		}})
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := safetensors.Write(w, out, nil); err != nil {
		return err
	}
	return w.Flush()
}

var dtypes = map[backend.DType]string{backend.F32: safetensors.F32, backend.U32: "U32", backend.BF16: safetensors.BF16}

// load writes the tensors of a file back to the store: exactly those named, in the shapes they have in this run.
func (e *Engine) load(path string, names []string) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return &CheckpointError{path, err}
	}
	defer f.Close()
	if have := f.Names(); len(have) != len(names) {
		return &CheckpointError{path, fmt.Errorf("has %d tensors, this run has %d", len(have), len(names))}
	}
	for _, name := range names {
		t, ok := f.Tensor(name)
		sig := e.shapes[name]
		switch {
		case !ok:
			return &CheckpointError{path, fmt.Errorf("lacks tensor %s", name)}
		case !sig.Shape.Equal(t.Shape) || dtypes[sig.DType] != t.DType:
			return &CheckpointError{path, fmt.Errorf("tensor %s is %s %v, in this run %s %v", name, t.DType, t.Shape, dtypes[sig.DType], sig.Shape)}
		}
		if err := safetensors.Guard(path, func() error { return e.Store.Write(name, t.Data) }); err != nil {
			return err
		}
	}
	return nil
}

// loadBest puts the trained tensors of the best checkpoint back.
func (l *Loop) loadBest() error {
	dir := filepath.Join(l.Dir, checkpointName(l.p.BestStep))
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	if err := m.verify(dir); err != nil {
		return err
	}
	return l.Engine.load(filepath.Join(dir, trainableName), l.Engine.Trainable())
}
