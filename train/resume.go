package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"luthier/internal/atomicfile"
)

// ErrNoCheckpoint says that a directory holds no whole checkpoint.
var ErrNoCheckpoint = errors.New("no checkpoint to resume from")

func checkpointName(step int) string { return fmt.Sprintf("checkpoint-%d", step) }

// Checkpoints lists the steps of the whole checkpoints in dir, ascending.
func Checkpoints(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []int
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "checkpoint-")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || n < 1 || checkpointName(n) != e.Name() {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), manifestName)); err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Latest is the directory of the last whole checkpoint in dir, after putting right what a kill left; ErrNoCheckpoint where there is none.
// The caller holds the lock of dir.
func Latest(dir string) (string, error) {
	if _, err := atomicfile.Recover(dir); err != nil {
		return "", err
	}
	steps, err := Checkpoints(dir)
	if err != nil {
		return "", err
	}
	if len(steps) == 0 {
		return "", fmt.Errorf("%s: %w", dir, ErrNoCheckpoint)
	}
	return filepath.Join(dir, checkpointName(steps[len(steps)-1])), nil
}

// Resume goes on from a checkpoint: its directory, or "" for the latest in Dir. After it Run ends in the same bytes as a run never stopped.
// A checkpoint of another run is a *MismatchError unless force; a damaged one a *CheckpointError. Prepare precedes it.
func (l *Loop) Resume(dir string, force bool) error {
	if !l.ready {
		return fmt.Errorf("train: Resume before Prepare")
	}
	if dir == "" {
		var err error
		if dir, err = Latest(l.Dir); err != nil {
			return err
		}
	}
	was, err := readManifest(dir)
	if err != nil {
		return err
	}
	is, err := l.manifest()
	if err != nil {
		return err
	}
	if err := l.agree(dir, was, is, force); err != nil {
		return err
	}
	if err := was.verify(dir); err != nil {
		return err
	}
	for _, note := range was.notes(is) {
		l.Report.Note(note)
	}
	return l.restore(dir, was.Progress)
}

// agree refuses an earlier session that differs from this run, or with force notes what differs. where names what it is from.
func (l *Loop) agree(where string, was, is manifest, force bool) error {
	d := was.differences(is)
	switch {
	case len(d) == 0:
		return nil
	case !force:
		return &MismatchError{where, d}
	}
	l.Report.Note((&MismatchError{where, d}).list() + "\n  goes on all the same: --force was given")
	return nil
}

// restore puts everything back where it was at the end of p.Step.
func (l *Loop) restore(dir string, p progress) error {
	history, err := readHistory(filepath.Join(dir, stateName))
	if err != nil {
		return err
	}
	if p.Step > l.plan.Steps {
		return &OptionError{fmt.Errorf("%s: is at step %d, this run ends at step %d: give more --epochs or --max-steps", dir, p.Step, l.plan.Steps)}
	}
	if err := l.Train.Seek(p.Cursor); err != nil {
		return &CheckpointError{filepath.Join(dir, manifestName), err}
	}
	if err := l.Engine.load(filepath.Join(dir, trainableName), l.Engine.Trainable()); err != nil {
		return err
	}
	if err := l.Engine.load(filepath.Join(dir, optimizerName), l.Stepper.States()); err != nil {
		return err
	}
	l.Stepper.Resume(p.Step)
	for _, e := range history { // as they were before JSON made them float64
		if s, ok := e["step"].(float64); ok {
			e["step"] = int(s)
		}
	}
	p = l.judged(p)
	if p.BestSaved {
		if _, err := os.Stat(filepath.Join(l.Dir, checkpointName(p.BestStep), manifestName)); err != nil && l.LoadBest {
			return &CheckpointError{filepath.Join(l.Dir, checkpointName(p.BestStep)), fmt.Errorf("the best checkpoint of this run is gone: %w", err)}
		}
	}
	l.p, l.history, l.resumed = p, history, true
	return nil
}

// open makes the output directory ready: a fresh run does not mix with another's checkpoints, a resumed one continues its records.
func (l *Loop) open() error {
	if l.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(l.Dir, 0o777); err != nil {
		return err
	}
	if _, err := atomicfile.Recover(l.Dir); err != nil {
		return err
	}
	if err := l.clearLater(); err != nil {
		return err
	}
	var err error
	l.session.metrics, err = openMetrics(l.Dir, l.p.Step)
	return err
}

// clearLater removes the checkpoints that come after this run's place: the next resumption would take them for its own.
func (l *Loop) clearLater() error {
	old, err := Checkpoints(l.Dir)
	if err != nil {
		return err
	}
	later := old[sort.SearchInts(old, l.p.Step+1):]
	if len(later) == 0 {
		return nil
	}
	last := later[len(later)-1]
	if !l.resumed && !l.Overwrite {
		return &OptionError{fmt.Errorf("%s: has checkpoints of another run, the last at step %d: give --resume, --overwrite, or another --out", l.Dir, last)}
	}
	l.Report.Note(fmt.Sprintf("%s: checkpoints after step %d, up to step %d, are removed", l.Dir, l.p.Step, last))
	for _, s := range later {
		if err := l.remove(s); err != nil {
			return err
		}
	}
	return nil
}

// rotate removes the oldest checkpoints beyond SaveLimit; never the best, never the one just written.
func (l *Loop) rotate() error {
	if l.SaveLimit == 0 {
		return nil
	}
	steps, err := Checkpoints(l.Dir)
	if err != nil {
		return err
	}
	extra := len(steps) - l.SaveLimit
	for _, s := range steps {
		if extra <= 0 {
			break
		}
		if s == l.p.Step || l.p.BestSaved && s == l.p.BestStep {
			continue
		}
		if err := l.remove(s); err != nil {
			return err
		}
		extra--
	}
	return nil
}

// remove takes the manifest first: what a kill leaves of the rest is no checkpoint.
func (l *Loop) remove(step int) error {
	dir := filepath.Join(l.Dir, checkpointName(step))
	if err := os.Remove(filepath.Join(dir, manifestName)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
