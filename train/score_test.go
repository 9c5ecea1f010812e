package train

import (
	"context"
	"math"
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

// asked are prompted rows over the golden models' small vocabularies.
func asked(masked bool) []data.Sequence {
	var out []data.Sequence
	for i, n := range []int{5, 9, 3} {
		s := data.Sequence{Class: int32(i % 2), Line: 11 + i, Candidates: &data.Candidates{Mask: -1, Options: [][]int32{{7, 8, 9}, {4}, {10, 3}}}}
		if masked {
			s.Candidates = &data.Candidates{Mask: n - 2, Options: [][]int32{{7}, {4}, {10}}}
		}
		for t := range n {
			s.IDs = append(s.IDs, int32(5+(i*7+t*3)%20))
		}
		s.TypeIDs = make([]int32, n)
		out = append(out, s)
	}
	out[2].Class = data.Ignore
	return out
}

// logProbs runs one sequence alone and gives the log-softmax over the vocabulary at each position, from logits that are all there.
func logProbs(t *testing.T, e *Engine, ids []int32) [][]float64 {
	t.Helper()
	g := graph.New()
	b := model.NewBuilder(g, e.Config, e.Weights, model.None{}, 1, len(ids))
	y, err := b.Logits(len(ids))
	require.NoError(t, err)
	g.Output(y)
	store := graph.NewStore(e.Dev, e.Weights.Source)
	defer store.Close()
	p, err := graph.Compile(g, store, graph.Options{})
	require.NoError(t, err)
	at, ones := make([]int32, len(ids)), make([]int32, len(ids))
	for i := range at {
		at[i], ones[i] = int32(i), 1
	}
	for name, x := range map[string][]int32{"input_ids": ids, "token_type_ids": make([]int32, len(ids)), "position_ids": at, "attention_mask": ones, "pick": at} {
		require.NoError(t, p.Write(name, words(x)))
	}
	require.NoError(t, p.Run(context.Background()))
	raw, err := p.Read(context.Background(), y)
	require.NoError(t, err)
	logits, v := floats(raw), e.Config.Vocab
	var out [][]float64
	for i := range ids {
		probs := softmax(logits[i*v : (i+1)*v])
		for k := range probs {
			probs[k] = math.Log(probs[k])
		}
		out = append(out, probs)
	}
	return out
}

// byHand are the scores of a prompted row from full logits, option by option.
func byHand(t *testing.T, e *Engine, s data.Sequence) []float64 {
	var out []float64
	c := s.Candidates
	for _, o := range c.Options {
		if c.Mask >= 0 {
			out = append(out, logProbs(t, e, s.IDs)[c.Mask][o[0]])
			continue
		}
		lp, sum := logProbs(t, e, append(append([]int32{}, s.IDs...), o...)), 0.0
		for k, id := range o {
			sum += lp[len(s.IDs)-1+k][id]
		}
		out = append(out, sum/float64(len(o)))
	}
	return out
}

// TestScores holds what evaluation and prediction make of prompted rows against full logits of each sequence alone: several tokens an
// option, padded batches on both sides, and rows without a class.
func TestScores(t *testing.T) {
	check := func(t *testing.T, dev backend.Device, tol float64) {
		for _, dir := range []string{"llama_tied", "llama_bf16", "bert_mlm"} {
			for _, left := range []bool{false, true} {
				seqs := asked(dir == "bert_mlm")
				l, err := data.NewLoader(seqs, data.LoaderOptions{BatchSize: 2, GroupByLength: true, Scores: data.ScoresOf(seqs), LeftPad: left})
				require.NoError(t, err)
				e := openEngine(t, dev, modelDir(dir), model.Score, 3, nil)
				e.Scores = l.Options().Scores
				require.NoError(t, e.PrepareEval(ShapesOf(l, 0)))
				r, err := e.Evaluate(context.Background(), l)
				require.NoError(t, err)
				ps, err := e.Predict(context.Background(), l)
				require.NoError(t, err)
				require.Len(t, ps, len(seqs))
				loss := 0.0
				for i, s := range seqs {
					want, top, total := byHand(t, e, s), 0, 0.0
					for o := range want {
						total += math.Exp(want[o])
						if want[o] > want[top] {
							top = o
						}
					}
					require.Equal(t, s.Line, ps[i].Line)
					require.Equal(t, top, ps[i].Class)
					for o := range want {
						require.InDelta(t, math.Exp(want[o])/total, ps[i].Probabilities[o], tol, "%s row %d option %d", dir, i, o)
					}
					if s.Class != data.Ignore {
						loss += math.Log(total) - want[s.Class]
					}
				}
				require.Equal(t, 2, r.Labels)
				require.InDelta(t, loss/2, r.Loss, 10*tol)
				for _, m := range MetricNames(model.Classify) {
					require.Contains(t, r.Metrics, m)
				}
			}
		}
	}
	t.Run("ref", func(t *testing.T) { check(t, ref.New(), 1e-6) })
	dev := testdev.Open(t, webgpu.Options{})
	t.Run("device", func(t *testing.T) { check(t, dev, 1e-5) })
}

// The sum of a batch made twice is twice the batch's, as a forward pass of two perturbations measures it.
func TestScoresOfHalves(t *testing.T) {
	seqs := asked(false)
	l, err := data.NewLoader(seqs, data.LoaderOptions{BatchSize: 3, NoShuffle: true, Scores: 3})
	require.NoError(t, err)
	b, _ := l.Next()
	d := b.Twice()
	rows := scoreRows(d)
	require.Len(t, rows, 2*len(scoreRows(b)))
	for i, r := range scoreRows(b) {
		require.Equal(t, r, rows[i])
		require.Equal(t, r+int32(b.B*b.T), rows[len(rows)/2+i])
	}
}
