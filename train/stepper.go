package train

import (
	"context"

	"luthier/data"
)

// Result is what one optimizer step measured.
type Result struct {
	Step     int     // counted from 1
	Loss     float64 // mean over the labels of the whole accumulated batch
	GradNorm float64 // before clipping; 0 where there is no gradient
	LR       float64
	Skipped  bool   // no update was made: a loss was not finite, and the step says nothing else
	Bad      string // the tensor whose gradient is NaN or infinite, "loss" for the loss itself; empty if all is finite
}

// Stepper takes optimizer steps. First and zeroth order differ in this alone.
type Stepper interface {
	// Prepare plans every batch shape of the run, checks that it fits, and allocates. Nothing is allocated in Step.
	Prepare(shapes []Shape) error
	// Step queues step number step (from 1) on the micro-batches, whose losses count together.
	Step(ctx context.Context, step int, lr float64, micro []*data.Batch) error
	// Results returns what is known by now; with wait, everything up to the last Step.
	Results(ctx context.Context, wait bool) ([]Result, error)
	// States lists the tensors that a checkpoint must hold beside the trained ones.
	States() []string
	// Resume says that steps up to step are done, by an earlier session whose tensors have been written back.
	Resume(step int)
	// Settings are what changes the maths of a step, as plain JSON values: a checkpoint is resumed with the same ones.
	Settings() map[string]any
}

// Shape is that of a batch: B sequences of T tokens.
type Shape struct{ B, T int }
