package train

import (
	"fmt"

	"luthier/data"
)

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
	l.p, l.resumed = progress{Step: step, Cursor: c}, true
	return nil
}
