package train

import (
	"context"
	"errors"

	"luthier/data"
	"luthier/optim"
)

// Loop trains: steps, logs, evaluations and checkpoints. Set the fields, then call Prepare, Resume where wanted, and Run. It prints nothing.
//
// The caller holds the lock of Dir (atomicfile.LockDir), and writes the final adapter from the engine after Run returned nil.
type Loop struct {
	Engine   *Engine
	Stepper  Stepper
	Train    *data.Loader
	Eval     *data.Loader   // nil for no evaluation; its order does not matter
	Schedule optim.Schedule // Prepare fills in Total
	Report   Reporter       // nil for Silent
	Options

	Dir      string                 // output directory: checkpoint-N/, metrics.jsonl, loss.svg, trainer_state.json; empty writes nothing
	Identity Identity               // what a checkpoint must match to be resumed
	Adapter  func(dir string) error // adds the adapter's files to a checkpoint being written; may be nil
}

// Options say when a Loop does what. Steps are optimizer steps.
type Options struct {
	Epochs     float64 // of training data; ignored where MaxSteps is given
	MaxSteps   int
	Accumulate int // micro-batches a step, as the Stepper was made for

	LogSteps  int  // a line of metrics each so many steps; 0 for 10
	EvalSteps int  // evaluation each so many steps
	EvalEpoch bool // and at the end of each epoch
	SaveSteps int  // a checkpoint each so many steps
	SaveEpoch bool // and at the end of each epoch

	SaveLimit int    // checkpoints to keep, the best among them; 0 for all
	Metric    string // metric_for_best_model, one of MetricNames; "" for loss. "eval_" may stand before it
	Greater   bool   // greater_is_better; see GreaterIsBetter
	Patience  int    // stop after so many evaluations in a row without a better one; 0 for never
	LoadBest  bool   // load_best_model_at_end: a better evaluation saves, and the end loads the best
	Overwrite bool   // a fresh run removes the checkpoints in Dir; else it refuses them
}

// Identity is what the caller knows of a run beyond the loop's own settings.
type Identity struct {
	Version  string         // of luthier
	Model    string         // fingerprint of the weights
	Data     string         // of the training data
	Kernels  string         // name of the kernel table in use
	Settings map[string]any // what changes the maths: method, optimizer, seeds, lengths; plain JSON values
}

// Prepare checks the options, plans every batch shape and allocates.
func (l *Loop) Prepare() error { return errors.New("train: not built yet") }

// Resume goes on from a checkpoint: its directory, or "" for the latest in Dir. After it Run ends in the same bytes as a run never stopped.
// A checkpoint of another run is a *MismatchError unless force; a damaged one a *CheckpointError. Prepare precedes it.
func (l *Loop) Resume(dir string, force bool) error { return errors.New("train: not built yet") }

// Run trains to the end. When ctx is cancelled it finishes the step, saves a checkpoint and returns ErrInterrupted.
func (l *Loop) Run(ctx context.Context) error { return errors.New("train: not built yet") }
