package train

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/graph"
	"luthier/internal/testdev"
	"luthier/model"
)

// objectiveCase is a model and rows for it.
type objectiveCase struct {
	dir    string
	task   model.Task
	labels int
	seqs   []data.Sequence
}

func objectiveCases() []objectiveCase {
	r := rand.New(rand.NewPCG(2, 2))
	plain := learnable(7, 4) // the last batch has a row of padding
	text, values := learnable(7, 5), learnable(7, 6)
	for i := range text {
		text[i].Labels = append([]int32{data.Ignore}, text[i].IDs[1:]...)
		values[i].Target = float32(r.NormFloat64())
	}
	plain[2].Class = data.Ignore
	return []objectiveCase{{"bert_seqcls", model.Classify, 3, plain}, {"llama_seqcls", model.Classify, 3, plain}, {"bert_regression", model.Regress, 1, values},
		{"llama_tied", model.CausalLM, 0, text}, {"llama_tied", model.Score, 3, asked(false)}, {"bert_mlm", model.Score, 3, asked(true)}}
}

// A forward program's objective over all batches is what evaluation finds on the same rows, for the loss and for every metric, those that
// are to be large with a minus: prompted rows, rows without a class and rows of padding included.
func TestObjectiveIsEvaluations(t *testing.T) {
	check := func(t *testing.T, dev backend.Device, tol float64) {
		for _, c := range objectiveCases() {
			t.Run(c.dir+", "+string(c.task), func(t *testing.T) { objectiveIsEvaluations(t, dev, c, tol) })
		}
	}
	t.Run("ref", func(t *testing.T) { check(t, ref.New(), 1e-6) })
	dev := testdev.Open(t, webgpu.Options{})
	t.Run("device", func(t *testing.T) { check(t, dev, 1e-5) })
}

func objectiveIsEvaluations(t *testing.T, dev backend.Device, c objectiveCase, tol float64) {
	ctx := context.Background()
	l, err := data.NewLoader(c.seqs, data.LoaderOptions{BatchSize: 2, NoShuffle: true, Scores: data.ScoresOf(c.seqs)})
	require.NoError(t, err)
	e := openEngine(t, dev, modelDir(c.dir), c.task, c.labels, nil)
	e.Scores, e.Forward = l.Options().Scores, true
	forwards, drafts := map[Shape]*Forward{}, map[Shape]*graph.Draft{}
	var plans []*graph.Plan
	for _, s := range ShapesOf(l, 0) {
		for _, s := range []Shape{s, {2 * s.B, s.T}} {
			drafts[s], forwards[s], err = e.DraftForward(s, nil)
			require.NoError(t, err)
			plans = append(plans, drafts[s].Plan)
		}
	}
	require.NoError(t, e.Store.Reserve(plans...))
	for s, f := range forwards {
		require.NoError(t, f.Bind(drafts[s]))
	}
	ms, halves := []*Measured{}, []*Measured{}
	for b, more := l.Next(); more; b, more = l.Next() {
		for _, x := range []*data.Batch{b, b.Twice()} {
			m, err := forwards[Shape{x.B, x.T}].Launch(ctx, x, nil)
			require.NoError(t, err)
			require.NoError(t, m.Wait(ctx))
			if x == b {
				ms = append(ms, m)
				continue
			}
			first, second := m.Halves(b)
			require.Equal(t, first.Rows, second.Rows)
			halves = append(halves, second)
		}
	}
	want, err := e.Evaluate(ctx, l)
	require.NoError(t, err)
	require.Greater(t, len(ms), 1)
	runs := [][]*Measured{ms, halves}
	for _, name := range MetricNames(c.task) {
		v, measured := want.Metrics[name]
		if GreaterIsBetter(name) {
			v = -v
		}
		if !measured {
			v = 0 // undefined on these rows
		}
		for _, x := range runs {
			got, err := e.Objective(name, x)
			require.NoError(t, err)
			require.InDelta(t, v, got, tol*max(1, v), name)
		}
	}
	_, err = e.Objective("bleu", ms)
	require.ErrorContains(t, err, "--objective bleu")
}
