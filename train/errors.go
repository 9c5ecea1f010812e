package train

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ErrInterrupted says that the context was cancelled and that the run can be resumed from what Loop.Run saved.
var ErrInterrupted = errors.New("interrupted")

// OptionError says that a setting of the loop cannot be, alone or with the others.
type OptionError struct{ Err error }

func (e *OptionError) Error() string { return e.Err.Error() }
func (e *OptionError) Unwrap() error { return e.Err }

// DivergedError says that a NaN or an infinity came up. Nothing is saved after it.
type DivergedError struct {
	Step   int    // 0 outside a run
	Tensor string // where: a tensor's name, "gradient of" one, "loss", "evaluation loss"
}

func (e *DivergedError) Error() string {
	if e.Step == 0 { // nothing is trained: it is in what was loaded
		return fmt.Sprintf("%s is NaN or infinite: so are weights of the model or the adapter, or they are too large: fetch the files again", e.Tensor)
	}
	return fmt.Sprintf("diverged at step %d: %s is NaN or infinite: try a lower --lr, --warmup-steps, or --max-grad-norm", e.Step, e.Tensor)
}

// Difference is a setting that a checkpoint has otherwise.
type Difference struct{ Field, Was, Is string }

// MismatchError says that a checkpoint belongs to another run: resuming would not continue it.
type MismatchError struct {
	Dir         string
	Differences []Difference
}

func (e *MismatchError) Error() string {
	return e.list() + "\nresume with the settings it had, or give --force to go on all the same"
}

// list names the differences without the remedy.
func (e *MismatchError) list() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: does not match this run:", e.Dir)
	for _, d := range e.Differences {
		fmt.Fprintf(&b, "\n  %s was %s, is %s", d.Field, d.Was, d.Is)
	}
	return b.String()
}

// CheckpointError says what is wrong with a checkpoint's file.
type CheckpointError struct {
	File string
	Err  error
}

func (e *CheckpointError) Error() string {
	what := e.Err
	if p := (*fs.PathError)(nil); errors.As(what, &p) && p.Path == e.File {
		what = p.Err // File comes first already
	}
	return fmt.Sprintf("%s: %v: name another checkpoint with --resume", e.File, what)
}

func (e *CheckpointError) Unwrap() error { return e.Err }
