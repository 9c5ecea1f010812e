package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"luthier/train"
)

// reporter shows a run: a progress line on a terminal, plain lines elsewhere, JSON lines with --json.
type reporter struct {
	a       *app
	line    *live
	plan    train.Plan
	last    train.Metrics
	first   train.Metrics // of this session
	began   time.Time
	from    int    // steps done when this session began
	begun   func() // called once, behind the first step of this session; may be nil
	summary train.Summary
}

func newReporter(a *app) *reporter { return &reporter{a: a, line: &live{}} }

// Start says how long the run is.
func (r *reporter) Start(p train.Plan) {
	r.plan, r.began, r.from = p, time.Now(), p.From
	if r.a.json {
		r.a.emit(map[string]any{"event": "start", "steps": p.Steps, "from": p.From, "steps_per_epoch": p.StepsPerEpoch, "epochs": p.Epochs})
		return
	}
	r.a.say("steps:    %d (%s of %s, %s a step)%s", p.Steps, plural(p.Epochs, "epoch"), plural(float64(p.StepsPerEpoch), "step"),
		plural(float64(p.Accumulate), "batch"), resumedText(p.From))
	r.line = r.a.progress(p.Steps, "first step: compiling", false) // it would take steps of earlier sessions for done at once
	r.line.at(p.From)
}

// plural is a count with its noun.
func plural(n float64, noun string) string {
	switch {
	case n == 1:
	case noun == "batch":
		noun += "es"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%.4g %s", n, noun)
}

func resumedText(from int) string {
	if from == 0 {
		return ""
	}
	return fmt.Sprintf(", from step %d", from)
}

// Tick moves the line.
func (r *reporter) Tick(step int) {
	r.line.at(step)
	if r.begun != nil {
		r.begun()
		r.begun = nil
	}
}

// Step shows one logged step.
func (r *reporter) Step(m train.Metrics) {
	if r.last = m; r.first.Step == 0 {
		r.first = m
	}
	if r.a.json {
		r.a.emit(struct {
			Event string `json:"event"`
			train.Metrics
		}{"step", m})
		return
	}
	if r.line.on() {
		r.line.note(r.numbers(m)...)
		return
	}
	r.a.say("step %d/%d  epoch %.2f  loss %.4f  lr %.3g  grad_norm %.3g  %.0f tok/s  %s  ETA %s", m.Step, r.plan.Steps, m.Epoch, m.Loss, m.LR, m.GradNorm,
		m.TokensPerSec, bytesText(m.PeakBytes), r.eta(m.Step))
}

// numbers are those of the progress line, the most wanted first. A loss is the mean since the last logged step, as in the plain lines.
func (r *reporter) numbers(m train.Metrics) []string {
	return []string{fmt.Sprintf("loss %.4f", m.Loss), fmt.Sprintf("lr %.2g", m.LR), fmt.Sprintf("%.0f tok/s", m.TokensPerSec),
		"ETA " + r.eta(m.Step), bytesText(m.PeakBytes), fmt.Sprintf("grad %.3g", m.GradNorm), fmt.Sprintf("epoch %.2f", m.Epoch), fmt.Sprintf("last loss %.4f", m.LastLoss)}
}

// eta is what is left at the pace of this session.
func (r *reporter) eta(step int) string {
	done := step - r.from
	if done <= 0 {
		return "-"
	}
	left := time.Since(r.began) / time.Duration(done) * time.Duration(r.plan.Steps-step)
	return left.Round(time.Second).String()
}

// Eval shows an evaluation.
func (r *reporter) Eval(e train.EvalReport) {
	if r.a.json {
		r.a.emit(map[string]any{"event": "eval", "step": e.Step, "epoch": e.Epoch, "metrics": e.Metrics, "rows": e.Rows, "seconds": e.Seconds, "best": e.Best})
		return
	}
	best := ""
	if e.Best {
		best = "  (best " + e.Metric + ")"
	}
	r.line.aside(func() { r.a.say("eval at step %d: %s%s  %.1f s", e.Step, metricsText(e.Metrics), best, e.Seconds) })
}

// metricsText writes metrics in order, the loss first.
func metricsText(m map[string]float64) string {
	var names, parts []string
	for n := range m {
		if n != "loss" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range append([]string{"loss"}, names...) {
		if v, ok := m[n]; ok {
			parts = append(parts, fmt.Sprintf("%s %.4f", n, v))
		}
	}
	return strings.Join(parts, "  ")
}

// Saved shows a checkpoint.
func (r *reporter) Saved(dir string, step int) {
	if r.a.json {
		r.a.emit(map[string]any{"event": "saved", "step": step, "dir": dir})
		return
	}
	r.line.aside(func() { r.a.say("saved %s", dir) })
}

// Note passes on a sentence.
func (r *reporter) Note(text string) {
	if r.a.json {
		r.a.emit(map[string]any{"event": "note", "text": text})
	}
	r.line.aside(func() { r.a.warn("%s", text) })
}

// Done ends the line.
func (r *reporter) Done(s train.Summary) {
	r.summary = s
	r.stop()
	more := ""
	if s.StoppedEarly {
		more = ", stopped early: no better evaluation"
	}
	if s.BestLoaded {
		more += fmt.Sprintf(", best is step %d (%.4f)", s.BestStep, s.BestMetric)
	}
	if text := r.advice(); text != "" {
		r.a.warn("%s", text)
	}
	if s.Steps == r.from { // a resumed run that had ended
		r.a.say("done:     %d steps, all of them before%s", s.Steps, more)
		return
	}
	r.a.say("done:     %d steps, mean loss %.4f, %s%s", s.Steps, s.Loss, s.Duration.Round(100*time.Millisecond), more)
}

// advice tells of a run that ended well by its numbers and learned nothing; empty otherwise.
func (r *reporter) advice() string {
	first, last := r.first.Loss, r.last.Loss
	switch {
	case last > 2*first && last > first+1:
		return fmt.Sprintf("the loss rose from %.4g to %.4g: try a lower --lr", first, last)
	case !r.a.forward() && r.last.GradNorm == 0 && last > 1e-6:
		return fmt.Sprintf("the gradient has vanished (grad_norm 0 at a loss of %.4g): nothing more is learned; try a lower --lr", last)
	}
	return ""
}

// weightsOf is the step whose weights a run ends with.
func (r *reporter) weightsOf() int {
	if r.summary.BestLoaded {
		return r.summary.BestStep
	}
	return r.summary.Steps
}

// stop ends the progress line; it may be called again.
func (r *reporter) stop() {
	r.line.end()
	r.line = &live{}
}
