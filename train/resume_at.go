package train

import (
	"encoding/json"
	"fmt"

	"luthier/data"
)

// Marks are what another session must match to go on with this run where there is no checkpoint: model, data and settings, as plain JSON
// values. Prepare precedes it.
func (l *Loop) Marks() (map[string]any, error) {
	m, err := l.manifest()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(map[string]any{"model_fingerprint": m.Model, "data_fingerprint": m.Data, "settings": m.Settings})
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(raw, &out)
}

// Match holds the Marks of an earlier session against this run. Differences are a *MismatchError unless force; where names what they are from.
func (l *Loop) Match(where string, was any, force bool) error {
	if was == nil {
		l.Report.Note(where + " does not say what settings its run had: they are taken to be these")
		return nil
	}
	now, err := l.Marks()
	if err != nil {
		return err
	}
	var sides [2]manifest
	for i, marks := range []any{was, now} {
		raw, err := json.Marshal(marks)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &sides[i]); err != nil {
			return &CheckpointError{where, fmt.Errorf("says nothing of its run's settings: %w", err)}
		}
	}
	return l.agree(where, sides[0], sides[1], force)
}

// ResumeAt goes on behind a step whose weights are in the engine already, put there from the log of a run without gradients: there need be
// no checkpoint. Records of the run up to there stay, evaluations of the past are forgotten. Prepare precedes it.
func (l *Loop) ResumeAt(step int) error {
	if !l.ready {
		return fmt.Errorf("train: ResumeAt before Prepare")
	}
	if step > l.plan.Steps {
		return &OptionError{fmt.Errorf("the log is at step %d, this run ends at step %d: give more --epochs or --max-steps", step, l.plan.Steps)}
	}
	each := l.plan.StepsPerEpoch
	c := data.Cursor{Epoch: step / each, Next: step % each * l.Accumulate}
	if err := l.Train.Seek(c); err != nil {
		return err
	}
	l.Stepper.Resume(step)
	l.p, l.resumed, l.unsaved = progress{Step: step, Cursor: c}, true, true
	return nil
}
