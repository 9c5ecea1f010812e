package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"luthier/internal/tfevents"
	"luthier/train"
)

// runsDir is where event files lie in a run's output, as transformers' Trainer has it.
const runsDir = "runs"

// reportsTo are the programs that --report-to names, beside what a run always writes.
func (s *trainSettings) reportsTo() ([]string, error) {
	var out []string
	for name := range strings.SplitSeq(strings.ToLower(s.reportTo), ",") {
		switch name = strings.TrimSpace(name); name {
		case "", "none":
		case "tensorboard":
			out = append(out, name)
		default:
			return nil, usage("--report-to %s: want none or tensorboard; every run writes metrics.jsonl, which other trackers can read", name)
		}
	}
	return slices.Compact(out), nil
}

// reporters are the terminal and those of --report-to.
func (s *trainSettings) reporters(r *reporter) (train.Reporter, error) {
	names, err := s.reportsTo()
	if err != nil || len(names) == 0 {
		return r, err
	}
	return &eventReporter{Reporter: r, root: filepath.Join(s.out, runsDir)}, nil
}

// eventReporter passes everything on and writes the scalars to event files, under the tags of transformers' Trainer.
type eventReporter struct {
	train.Reporter
	root string // a directory a run; a resumed run goes on in its own
	w    *tfevents.Writer
}

// Start opens a file. A resumed run has one more in the directory of its last session.
func (r *eventReporter) Start(p train.Plan) {
	r.Reporter.Start(p)
	dir := ""
	var err error
	if p.From > 0 {
		dir, err = tfevents.Latest(r.root)
	}
	if dir == "" {
		dir = freshRun(r.root, time.Now())
	}
	if err == nil {
		r.w, err = tfevents.Create(dir)
	}
	if err == nil && p.From > 0 {
		err = r.w.Restart(p.From + 1)
	}
	r.check(err)
}

// freshRun is a directory that is not there yet, named by the time, so that names sort as runs follow each other.
func freshRun(root string, now time.Time) string {
	for ; ; now = now.Add(time.Second) {
		dir := filepath.Join(root, now.Format("2006-01-02_15-04-05"))
		if _, err := os.Stat(dir); err != nil {
			return dir
		}
	}
}

// Step writes a logged step.
func (r *eventReporter) Step(m train.Metrics) {
	r.Reporter.Step(m)
	r.add(m.Step, []tfevents.Scalar{{Tag: "train/loss", Value: m.Loss}, {Tag: "train/learning_rate", Value: m.LR},
		{Tag: "train/grad_norm", Value: m.GradNorm}, {Tag: "train/epoch", Value: m.Epoch}, {Tag: "train/num_input_tokens_seen", Value: float64(m.Tokens)},
		{Tag: "train/tokens_per_second", Value: m.TokensPerSec}, {Tag: "train/peak_memory_bytes", Value: float64(m.PeakBytes)}})
}

// Eval writes an evaluation.
func (r *eventReporter) Eval(e train.EvalReport) {
	r.Reporter.Eval(e)
	var values []tfevents.Scalar
	for _, name := range slices.Sorted(maps.Keys(e.Metrics)) {
		values = append(values, tfevents.Scalar{Tag: "eval/" + name, Value: e.Metrics[name]})
	}
	r.add(e.Step, append(values, tfevents.Scalar{Tag: "eval/runtime", Value: e.Seconds}))
}

func (r *eventReporter) add(step int, values []tfevents.Scalar) {
	if r.w != nil {
		r.check(r.w.Scalars(step, values...))
	}
}

// check ends the writing of events at the first error. It is no reason to end a run.
func (r *eventReporter) check(err error) {
	if err == nil {
		return
	}
	r.Note("events for TensorBoard are no longer written: " + err.Error())
	r.close()
}

func (r *eventReporter) close() {
	if r.w != nil {
		_ = r.w.Close() // the events are written; the sync is a courtesy
		r.w = nil
	}
}

// Done ends the file.
func (r *eventReporter) Done(s train.Summary) {
	r.close()
	r.Reporter.Done(s)
}
