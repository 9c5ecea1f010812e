package train

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luthier/backend"
	"luthier/data"
	"luthier/graph"
	"luthier/model"
)

// EvalResult is a pass over labelled data.
type EvalResult struct {
	Loss        float64            // mean over all labels
	Metrics     map[string]float64 // by the names that MetricNames lists for the task, "loss" included
	Labels      int                // that the loss counts
	Rows        int
	Seconds     float64
	Predictions []Prediction // classification and regression, in the order of the loader's sequences
}

// Prediction is a model's answer to one row.
type Prediction struct {
	Line          int
	Class         int       // most probable class
	Probabilities []float64 // of each class
	Value         float64   // regression
	Words         []Word    // token classification: one a word
	order         int
}

// Word is the answer to one word of a row.
type Word struct {
	Class       int // most probable class; -1 for a word that was cut away or has no tokens
	Probability float64
}

// Evaluate runs the model without dropout over one epoch of l, which it leaves at its start. A loss that is not finite is a *DivergedError.
func (e *Engine) Evaluate(ctx context.Context, l *data.Loader) (EvalResult, error) {
	began := time.Now()
	var r EvalResult
	var s scored
	sum := 0.0
	err := e.pass(ctx, l, func(b *data.Batch, loss float64, logits []float32) error {
		n := e.labels(b)
		if n > 0 && !finite(loss) {
			return &DivergedError{Tensor: fmt.Sprintf("evaluation loss (lines %s)", lines(b))}
		}
		r.Labels, r.Rows = r.Labels+n, r.Rows+b.Rows
		sum += loss * float64(n)
		if logits != nil {
			s.add(e, b, logits)
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if r.Labels == 0 {
		return r, fmt.Errorf("evaluation: none of the %d rows has a label", r.Rows)
	}
	r.Loss = sum / float64(r.Labels)
	r.Metrics = s.metrics(e.Task, e.Labels, r.Loss)
	r.Predictions = s.sorted()
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// Predict is Evaluate for rows whose labels are unknown or do not matter, in the order of the loader's sequences. Classification, of texts or
// of words, and regression only.
func (e *Engine) Predict(ctx context.Context, l *data.Loader) ([]Prediction, error) {
	if e.Task != model.Classify && e.Task != model.Regress && e.Task != model.Score && e.Task != model.TokenClassify {
		return nil, fmt.Errorf("predict: task %s gives no class or value: use generate", e.Task)
	}
	var s scored
	err := e.pass(ctx, l, func(b *data.Batch, _ float64, logits []float32) error {
		per := max(1, e.Labels) // logits of a row
		if e.Task == model.TokenClassify {
			per *= b.T
		}
		for i, v := range logits[:b.Rows*per] {
			if !finite(float64(v)) {
				return &DivergedError{Tensor: fmt.Sprintf("the logit of line %d", b.Lines[i/per])}
			}
		}
		s.add(e, b, logits)
		return nil
	})
	return s.sorted(), err
}

// labels is what the loss of a batch is a mean over.
func (e *Engine) labels(b *data.Batch) int {
	if e.Task == model.Regress {
		return b.Rows
	}
	return b.LossTokens
}

// pending is a batch whose results are still on their way.
type pending struct {
	batch        *data.Batch
	loss, logits backend.Fetch
	rows         backend.Fetch // of prompted rows, instead of both
}

// pass runs every batch of an epoch and hands its results over one batch behind, so that the device does not wait for the host. loss is the
// mean over the batch's labels; logits are [B, labels] or nil.
func (e *Engine) pass(ctx context.Context, l *data.Loader, each func(b *data.Batch, loss float64, logits []float32) error) error {
	if err := l.Seek(data.Cursor{}); err != nil {
		return err
	}
	defer l.Seek(data.Cursor{}) //nolint:errcheck // the start is always there
	var last *pending
	for {
		b, more := l.Next()
		var next *pending
		if more {
			var err error
			if next, err = e.launch(ctx, b); err != nil {
				return err
			}
		}
		if last != nil {
			if err := last.deliver(ctx, each); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		last = next
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (e *Engine) launch(ctx context.Context, b *data.Batch) (*pending, error) {
	p, err := e.evalFor(Shape{b.B, b.T})
	if err != nil {
		return nil, err
	}
	if err := e.Feed(p.Program, b, 1/float64(max(1, e.labels(b)))); err != nil {
		return nil, err
	}
	if err := p.Run(ctx); err != nil {
		return nil, err
	}
	x := &pending{batch: b}
	if b.Prompted != nil {
		x.rows, err = e.Dev.Fetch(p.Buffer(p.rows))
		return x, err
	}
	if x.loss, err = e.Dev.Fetch(p.Buffer(p.loss)); err != nil || p.logits == nil {
		return x, err
	}
	x.logits, err = e.Dev.Fetch(p.Buffer(p.logits))
	return x, err
}

func (x *pending) deliver(ctx context.Context, each func(*data.Batch, float64, []float32) error) error {
	if x.rows != nil {
		raw, err := x.rows.Wait(ctx)
		if err != nil {
			return err
		}
		scores := Scores(x.batch, floats(raw))
		return each(x.batch, ScoreLoss(x.batch, scores)/float64(max(1, x.batch.LossTokens)), ScoreLogits(scores))
	}
	raw, err := x.loss.Wait(ctx)
	if err != nil {
		return err
	}
	loss := float64(floats(raw)[0])
	if x.logits == nil {
		return each(x.batch, loss, nil)
	}
	if raw, err = x.logits.Wait(ctx); err != nil {
		return err
	}
	return each(x.batch, loss, floats(raw))
}

// Loss runs one batch without dropout, as Evaluate does, and returns the mean loss over its labels.
func (e *Engine) Loss(ctx context.Context, b *data.Batch) (loss float64, err error) {
	x, err := e.launch(ctx, b)
	if err != nil {
		return 0, err
	}
	return loss, x.deliver(ctx, func(_ *data.Batch, l float64, _ []float32) error {
		loss = l
		return nil
	})
}

// PrepareEval reserves memory for evaluating or predicting batches of these shapes where there is no training.
func (e *Engine) PrepareEval(shapes []Shape) error {
	drafts, progs, err := e.evalDrafts(shapes)
	if err != nil {
		return err
	}
	if err := e.Store.Reserve(plansOf(drafts)...); err != nil {
		return err
	}
	return e.bindEvals(shapes, drafts, progs)
}

// EvalPlan is the memory of evaluating one batch shape, planned without allocating.
func (e *Engine) EvalPlan(s Shape) (*graph.Plan, error) {
	d, _, err := e.evalDraft(s)
	if err != nil {
		return nil, err
	}
	return d.Plan, nil
}

// ShapesOf are the batch shapes of an epoch of l, counted from 0.
func ShapesOf(l *data.Loader, epoch int) []Shape {
	var out []Shape
	for _, t := range l.Lengths(epoch) {
		out = append(out, Shape{l.BatchRows(), t})
	}
	return out
}

// lines names the first and last line of a batch.
func lines(b *data.Batch) string {
	if len(b.Lines) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d to %d", slices.Min(b.Lines), slices.Max(b.Lines))
}
