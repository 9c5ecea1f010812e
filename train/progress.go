package train

import (
	"context"
	"fmt"

	"luthier/data"
)

// progress is what a resumed Loop goes on from, beside the tensors. Generators are not in it: the state of each is its seed and the step.
type progress struct {
	Step       int         `json:"step"`
	Cursor     data.Cursor `json:"data_cursor"`
	Tokens     int64       `json:"trained_tokens"`
	Seconds    float64     `json:"seconds"`
	Window     window      `json:"log_window"`
	Evaluated  bool        `json:"evaluated"`
	Judge      judge       `json:"judge"` // of BestMetric and Worse
	BestStep   int         `json:"best_step"`
	BestMetric float64     `json:"best_metric"`
	BestSaved  bool        `json:"best_saved"`       // checkpoint-BestStep exists
	Worse      int         `json:"evals_not_better"` // in a row
	Skipped    int         `json:"skipped_steps,omitempty"`
	EvalDue    bool        `json:"eval_due"` // interrupted while evaluating
}

// window sums over the steps since the last logged line.
type window struct {
	Steps  int     `json:"steps"`
	Loss   float64 `json:"loss_sum"`
	Tokens int64   `json:"tokens"`
	Last   Result  `json:"last"`
}

// results takes what is known by now, or everything.
func (l *Loop) results(ctx context.Context, wait bool) error {
	rs, err := l.Stepper.Results(ctx, wait)
	for _, r := range rs {
		if bad := r.diverged(); bad != nil && !r.Skipped {
			return bad
		}
		if len(l.session.queued) == 0 || l.session.queued[0].step != r.Step {
			return fmt.Errorf("train: the result of step %d came out of turn", r.Step)
		}
		tokens := l.session.queued[0].tokens
		l.session.queued = l.session.queued[1:]
		l.p.Tokens += tokens
		if r.Skipped {
			l.p.Skipped++
			continue
		}
		l.session.steps, l.session.loss = l.session.steps+1, l.session.loss+r.Loss
		w := &l.p.Window
		w.Steps, w.Loss, w.Tokens, w.Last = w.Steps+1, w.Loss+r.Loss, w.Tokens+tokens, r
		if r.Step%l.LogSteps == 0 {
			if err := l.log(); err != nil {
				return err
			}
		}
	}
	return err
}

func (r Result) diverged() error {
	switch {
	case r.Bad != "":
		return &DivergedError{Step: r.Step, Tensor: r.Bad}
	case !finite(r.Loss):
		return &DivergedError{Step: r.Step, Tensor: "loss"}
	case !finite(r.GradNorm):
		return &DivergedError{Step: r.Step, Tensor: "gradient norm"}
	}
	return nil
}

// log closes the window with a line of metrics; an empty one gives none.
func (l *Loop) log() error {
	w := l.p.Window
	if w.Steps == 0 {
		return nil
	}
	now := l.session.watch.now()
	bytes, _ := l.Engine.Dev.Allocated()
	l.session.peak = max(l.session.peak, bytes)
	m := Metrics{Step: w.Last.Step, Epoch: l.epoch(w.Last.Step), Loss: w.Loss / float64(w.Steps), LastLoss: w.Last.Loss, LR: w.Last.LR,
		GradNorm: w.Last.GradNorm, PeakBytes: l.session.peak, Seconds: l.p.Seconds + now.Seconds(), Tokens: l.p.Tokens}
	// Results arrive behind the work, at a flush several lines at once: a line that follows at once took as long as those before it.
	mean := now.Seconds() / float64(max(1, l.session.steps))
	if d := (now - l.session.logged).Seconds(); d > 0.1*mean*float64(w.Steps) {
		l.session.rate = float64(w.Tokens) / d
	}
	m.TokensPerSec = l.session.rate
	l.session.logged, l.p.Window = now, window{}
	l.history = append(l.history, map[string]any{"epoch": m.Epoch, "grad_norm": m.GradNorm, "learning_rate": m.LR, "loss": m.Loss, "step": m.Step})
	if err := l.session.metrics.add(m); err != nil {
		return err
	}
	l.Report.Step(m)
	return nil
}

// evaluate tells whether the result is the best so far.
func (l *Loop) evaluate(ctx context.Context) (better bool, err error) {
	s := l.p.Step
	r, err := l.Engine.Evaluate(ctx, l.Eval)
	if d, ok := err.(*DivergedError); ok {
		d.Step = s
	}
	if err != nil {
		return false, err
	}
	value, ok := r.Metrics[l.Metric]
	if ok {
		better = !l.p.Evaluated || l.Greater && value > l.p.BestMetric || !l.Greater && value < l.p.BestMetric
	}
	if better {
		l.p.Evaluated, l.p.BestStep, l.p.BestMetric, l.p.BestSaved, l.p.Worse = true, s, value, false, 0
	} else {
		l.p.Worse++
	}
	l.p.Judge = l.judge()
	entry := map[string]any{"epoch": l.epoch(s), "step": s}
	for k, v := range r.Metrics {
		entry["eval_"+k] = v
	}
	l.history = append(l.history, entry)
	line := map[string]any{"eval_seconds": r.Seconds}
	for k, v := range entry {
		line[k] = v
	}
	if err := l.session.metrics.add(line); err != nil {
		return better, err
	}
	l.Report.Eval(EvalReport{Step: s, Epoch: l.epoch(s), EvalResult: r, Metric: l.Metric, Value: value, Best: better})
	return better, nil
}
