package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/internal/testdev"
	"luthier/model"
)

// sequences are the rows of a batch without padding.
func sequences(b *data.Batch) []data.Sequence {
	var out []data.Sequence
	for r := range b.B {
		from, to := r*b.T, r*b.T+int(b.LastPos[r])+1
		s := data.Sequence{IDs: b.IDs[from:to], TypeIDs: b.TypeIDs[from:to], Class: b.Classes[r], Target: b.Targets[r], Line: r + 1}
		if b.Labels != nil {
			s.Labels = b.Labels[from:to]
		}
		out = append(out, s)
	}
	return out
}

// TestEvaluate gives PyTorch's loss of the golden batch, in batches of two rows, the last one padded, and longer than PyTorch's.
func TestEvaluate(t *testing.T) {
	check := func(t *testing.T, dev backend.Device) {
		for _, c := range goldens {
			t.Run(c.dir, func(t *testing.T) {
				g := openGolden(t, modelDir(c.dir))
				l, err := data.NewLoader(sequences(g.batch(c.task)), data.LoaderOptions{BatchSize: 2, GroupByLength: true})
				require.NoError(t, err)
				e := openEngine(t, dev, modelDir(c.dir), c.task, c.labels, nil)
				if c.task == model.TokenClassify {
					e.Names = []string{"O", "B-A", "I-A", "B-B", "I-B"}
				}
				require.NoError(t, e.PrepareEval(ShapesOf(l, 0)))
				r, err := e.Evaluate(context.Background(), l)
				require.NoError(t, err)
				require.InEpsilon(t, g.reals("loss")[0], r.Loss, 1e-4)
				require.Equal(t, r.Loss, r.Metrics["loss"])
				require.Equal(t, data.Cursor{}, l.Cursor())
				for _, m := range MetricNames(c.task) {
					require.Contains(t, r.Metrics, m)
				}
				checkAnswers(t, g, c.task, c.labels, r)
			})
		}
	}
	t.Run("ref", func(t *testing.T) { check(t, ref.New()) })
	dev := testdev.Open(t, webgpu.Options{})
	t.Run("device", func(t *testing.T) { check(t, dev) })
}

// checkAnswers compares predictions, which are in the order of the lines, with PyTorch's logits.
func checkAnswers(t *testing.T, g goldenFile, task model.Task, labels int, r EvalResult) {
	if task == model.CausalLM || task == model.MaskedLM {
		require.InEpsilon(t, math.Exp(r.Loss), r.Metrics["perplexity"], 1e-12)
		require.Empty(t, r.Predictions)
		return
	}
	logits := g.reals("logits")
	if task == model.TokenClassify {
		checkWords(t, g, logits, labels, r)
		return
	}
	require.Len(t, r.Predictions, len(logits)/labels)
	for i, p := range r.Predictions {
		require.Equal(t, i+1, p.Line)
		if task == model.Regress {
			require.InDelta(t, logits[i], p.Value, 1e-4)
			continue
		}
		for c, v := range softmax(logits[i*labels : (i+1)*labels]) {
			require.InDelta(t, v, p.Probabilities[c], 1e-4)
			require.LessOrEqual(t, p.Probabilities[c], p.Probabilities[p.Class])
		}
	}
}

// An evaluation loss that is not finite is an error that says so, and no prediction comes of it.
func TestEvaluateDiverged(t *testing.T) {
	l, _ := newLoop(t, ref.New(), "", Options{MaxSteps: 2, EvalSteps: 1})
	require.NoError(t, l.Prepare())
	bias, err := l.Engine.Values(context.Background(), "classifier.bias")
	require.NoError(t, err)
	bias[1] = float32(math.NaN())
	require.NoError(t, l.Engine.SetValues("classifier.bias", bias))
	_, err = l.Engine.Evaluate(context.Background(), l.Eval)
	var d *DivergedError
	require.ErrorAs(t, err, &d)
	require.ErrorContains(t, err, "evaluation loss (lines 1 to 4)")
	_, err = l.Engine.Predict(context.Background(), l.Eval)
	require.ErrorContains(t, err, "logit of line 1")
	err = l.Run(context.Background())
	require.ErrorAs(t, err, &d)
	require.Equal(t, 1, d.Step)
}

func TestEvaluateWithoutLabels(t *testing.T) {
	l, _ := newLoop(t, ref.New(), "", Options{MaxSteps: 2})
	rows := learnable(3, 1)
	for i := range rows {
		rows[i].Class = data.Ignore
	}
	unlabelled, err := data.NewLoader(rows, data.LoaderOptions{BatchSize: 2})
	require.NoError(t, err)
	_, err = l.Engine.Evaluate(context.Background(), unlabelled)
	require.ErrorContains(t, err, "none of the 3 rows has a label")
	p, err := l.Engine.Predict(context.Background(), unlabelled)
	require.NoError(t, err)
	require.Len(t, p, 3)
}

// checkWords compares each labelled token with PyTorch's logits, and the accuracy with a count.
func checkWords(t *testing.T, g goldenFile, logits []float32, labels int, r EvalResult) {
	gold, shape := g.ints("labels")
	require.Len(t, r.Predictions, shape[0])
	right, n := 0, 0
	for row, p := range r.Predictions {
		require.Equal(t, row+1, p.Line)
		k := 0
		for i := row * shape[1]; i < (row+1)*shape[1]; i++ {
			if gold[i] == data.Ignore {
				continue
			}
			want := softmax(logits[i*labels : (i+1)*labels])
			require.InDelta(t, slices.Max(want), p.Words[k].Probability, 1e-4)
			require.Equal(t, slices.Max(want), want[p.Words[k].Class])
			if n++; int32(p.Words[k].Class) == gold[i] {
				right++
			}
			k++
		}
		require.Len(t, p.Words, k)
	}
	require.InDelta(t, float64(right)/float64(n), r.Metrics["accuracy"], 1e-12)
}
