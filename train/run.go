package train

import (
	"context"
	"errors"
	"time"

	"luthier/data"
	"luthier/model/safetensors"
)

// fetchSteps is how often results are fetched at least: a Stepper keeps those of 64 steps.
const fetchSteps = 16

// session is what a Loop knows that no checkpoint needs.
type session struct {
	metrics *metricsFile
	began   time.Time
	watch   stopwatch
	logged  time.Duration // the watch at the last logged line
	rate    float64       // tokens per second of it
	queued  []sent        // steps whose results are still out
	last    Result
	loss    float64 // sum over the steps of the session
	steps   int
	peak    int64
	saved   int // last step saved
}

// sent is a step that was queued.
type sent struct {
	step   int
	tokens int64
}

// Run trains to the end. When ctx is cancelled it finishes the step, saves a checkpoint and returns ErrInterrupted.
func (l *Loop) Run(ctx context.Context) (err error) {
	if !l.ready {
		if err := l.Prepare(); err != nil {
			return err
		}
	}
	from := l.p.Step
	l.session = session{began: time.Now(), saved: -1}
	if l.resumed && !l.unsaved {
		l.session.saved = from
	}
	if err := l.open(); err != nil {
		return err
	}
	defer func() {
		if fault := l.session.metrics.close(); err == nil {
			err = fault
		}
	}()
	l.plan.From = from
	l.Report.Start(l.plan)
	l.session.watch.start()
	work := context.WithoutCancel(ctx) // a cancelled run still finishes its step and saves
	if l.p.EvalDue {
		err = l.boundary(ctx, work, true)
	}
	for err == nil && l.p.Step < l.plan.Steps && !l.stopped() {
		if ctx.Err() != nil {
			return l.interrupt(work)
		}
		if err = l.step(work); err == nil {
			err = l.after(ctx, work)
		}
	}
	if err != nil {
		return err
	}
	return l.finish(work)
}

// step queues the next optimizer step. An epoch's last step may have fewer micro-batches; no step crosses epochs.
func (l *Loop) step(ctx context.Context) error {
	var micro []*data.Batch
	tokens := int64(0)
	for len(micro) < l.Accumulate {
		b, more := l.Train.Next()
		if !more && len(micro) > 0 {
			break
		}
		if more {
			micro = append(micro, b)
			tokens += int64(b.Tokens)
		}
	}
	s := l.p.Step + 1
	if err := l.Stepper.Step(ctx, s, l.Schedule.LR(s-1), micro); err != nil {
		return err
	}
	l.p.Step, l.p.Cursor = s, l.Train.Cursor()
	l.session.queued = append(l.session.queued, sent{s, tokens})
	l.Report.Tick(s)
	return nil
}

// after does what is due at the end of a step.
func (l *Loop) after(ctx, work context.Context) error {
	s := l.p.Step
	last := s == l.plan.Steps
	if !last && !l.evalDue(s) && !l.saveDue(s) {
		// The call after a logged step hands over what that step asked for.
		if s%l.LogSteps <= 1 || s%fetchSteps == 0 {
			return l.results(work, false)
		}
		return nil
	}
	if err := l.results(work, true); err != nil {
		return err
	}
	if last {
		if err := l.log(); err != nil {
			return err
		}
	}
	return l.boundary(ctx, work, l.evalDue(s))
}

// boundary evaluates and saves. All results of the step have been taken.
func (l *Loop) boundary(ctx, work context.Context, evaluate bool) error {
	l.session.watch.stop()
	defer l.session.watch.start()
	better := false
	if evaluate {
		l.p.EvalDue = true // until it is through
		var err error
		if better, err = l.evaluate(ctx); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				l.session.saved = -1
				return l.interrupt(work)
			}
			return err
		}
		l.p.EvalDue = false
	}
	if l.stopped() {
		if err := l.log(); err != nil {
			return err
		}
	}
	if l.saveDue(l.p.Step) || better && l.LoadBest || l.saves() && l.stopped() {
		return l.save(work)
	}
	return nil
}

// interrupt saves, so that nothing is lost, whether the run saves otherwise or not.
func (l *Loop) interrupt(ctx context.Context) error {
	if err := l.results(ctx, true); err != nil {
		return err
	}
	if l.Dir != "" && l.p.Step > 0 && l.session.saved != l.p.Step {
		if err := l.save(ctx); err != nil {
			return err
		}
	}
	return ErrInterrupted
}

// finish leaves the best tensors in the engine where that was asked for, and the records of the run in Dir.
func (l *Loop) finish(ctx context.Context) error {
	if l.p.Step > 0 && l.p.Skipped == l.p.Step { // no update was made, from the first on: that is no run that ended well
		return &DivergedError{Step: 1, Tensor: "loss"}
	}
	load := l.LoadBest && l.p.BestSaved && l.p.BestStep != l.p.Step
	if load {
		if err := l.loadBest(); err != nil {
			return err
		}
	}
	if err := l.checkFinite(ctx); err != nil {
		return err
	}
	if err := l.records(); err != nil {
		return err
	}
	mean := 0.0
	if l.session.steps > 0 {
		mean = l.session.loss / float64(l.session.steps)
	}
	l.Report.Done(Summary{Steps: l.p.Step, Loss: mean, BestStep: l.p.BestStep, BestMetric: l.p.BestMetric,
		BestLoaded: load || l.LoadBest && l.p.BestSaved, StoppedEarly: l.stopped() && l.p.Step < l.plan.Steps, Duration: time.Since(l.session.began)})
	return nil
}

// checkFinite looks at the trained tensors: the last update's effect is in no loss yet.
func (l *Loop) checkFinite(ctx context.Context) error {
	for _, name := range l.Engine.Trainable() {
		x, err := l.Engine.Values(ctx, name)
		if err != nil {
			return err
		}
		if _, bad := safetensors.FirstNonFiniteFloat32(x); bad {
			return &DivergedError{Step: l.p.Step, Tensor: name}
		}
	}
	return nil
}

// stopwatch adds up training time.
type stopwatch struct {
	total time.Duration
	since time.Time
}

func (w *stopwatch) start() { w.since = time.Now() }

func (w *stopwatch) stop() {
	if !w.since.IsZero() {
		w.total += time.Since(w.since)
	}
	w.since = time.Time{}
}

func (w *stopwatch) now() time.Duration {
	if w.since.IsZero() {
		return w.total
	}
	return w.total + time.Since(w.since)
}
