package train

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/internal/testdev"
	"luthier/model"
	"luthier/optim"
)

// TestGoldenMasked reaches PyTorch's ten losses and gradient norms with a head that sees the labelled tokens and a few more, and none else.
func TestGoldenMasked(t *testing.T) {
	t.Run("ref", func(t *testing.T) { goldenMasked(t, ref.New(), 1) })
	t.Run("accumulated", func(t *testing.T) { goldenMasked(t, ref.New(), 2) })
	t.Run("device", func(t *testing.T) { goldenMasked(t, testdev.Open(t, webgpu.Options{}), 1) })
}

// goldenMasked takes the batch in so many micro-batches, whose numbers of labels differ.
func goldenMasked(t *testing.T, dev backend.Device, accumulate int) {
	g := openGolden(t, modelDir("bert_mlm"))
	b := g.batch(model.MaskedLM)
	e := openEngine(t, dev, modelDir("bert_mlm"), model.MaskedLM, 0, nil)
	e.Masked = func(int) int { return mostLabels(b) }
	require.Less(t, e.masked(b.T), b.T)
	f := NewFirstOrder(e, &optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.01}, FirstOrderOptions{MaxGradNorm: 1, Accumulate: accumulate})
	micro := split(b, accumulate)
	require.NoError(t, f.Prepare([]Shape{{micro[0].B, b.T}}))
	if accumulate > 1 {
		require.NotEqual(t, micro[0].LossTokens, micro[1].LossTokens)
	}
	ctx := context.Background()
	losses, norms := g.reals("losses"), g.reals("grad_norms")
	for s := 1; s <= 10; s++ {
		require.NoError(t, f.Step(ctx, s, 1e-3, micro))
		rs, err := f.Results(ctx, true)
		require.NoError(t, err)
		require.Len(t, rs, 1)
		require.InEpsilon(t, losses[s-1], rs[0].Loss, 1e-4, "loss of step %d", s)
		require.InEpsilon(t, norms[s-1], rs[0].GradNorm, 1e-4, "gradient norm of step %d", s)
	}
}

// mostLabels is the most labels that a row has.
func mostLabels(b *data.Batch) (most int) {
	for r := range b.B {
		n := 0
		for _, v := range b.Labels[r*b.T : (r+1)*b.T] {
			if v != data.Ignore {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestMaskedAccuracy counts the tokens whose label is the largest of PyTorch's logits, with the head on all tokens and on the labelled ones,
// and as an objective without gradients.
func TestMaskedAccuracy(t *testing.T) {
	for _, dev := range []backend.Device{ref.New(), testdev.Open(t, webgpu.Options{})} {
		g := openGolden(t, modelDir("bert_mlm"))
		b := g.batch(model.MaskedLM)
		logits := g.reals("logits")
		v, n := len(logits)/len(b.Labels), 0
		for i := range b.Labels {
			if b.Labels[i] == data.Ignore {
				continue
			}
			best := 0
			for j, x := range logits[i*v : (i+1)*v] {
				if x > logits[i*v+best] {
					best = j
				}
			}
			if b.Labels[i] = int32(best); n%3 == 0 { // each third label is wrong
				b.Labels[i] = int32((best + 1) % v)
			}
			n++
		}
		want := float64(n-(n+2)/3) / float64(n)
		for _, all := range []bool{true, false} {
			e := openEngine(t, dev, modelDir("bert_mlm"), model.MaskedLM, 0, nil)
			if !all {
				e.Masked = func(int) int { return mostLabels(b) }
			}
			ctx := context.Background()
			x, err := e.launch(ctx, b)
			require.NoError(t, err)
			var s scored
			require.NoError(t, x.deliver(ctx, func(b *data.Batch, _ float64, hits []float32) error {
				s.add(e, b, hits)
				return nil
			}))
			require.InDelta(t, want, s.metrics(model.MaskedLM, 0, 1)["accuracy"], 1e-12)

			d, f, err := e.DraftForward(Shape{b.B, b.T}, nil)
			require.NoError(t, err)
			require.NoError(t, f.Bind(d))
			m, err := f.Launch(ctx, b, nil)
			require.NoError(t, err)
			require.NoError(t, m.Wait(ctx))
			got, err := e.Objective("accuracy", []*Measured{m})
			require.NoError(t, err)
			require.InDelta(t, -want, got, 1e-12)
		}
	}
}

// TestMaskedRows: each row of a sequence once, the labelled first; more labels than planned are an error and not a silence.
func TestMaskedRows(t *testing.T) {
	ig := int32(data.Ignore)
	b := &data.Batch{B: 2, T: 4, Labels: []int32{ig, 7, ig, 9, ig, ig, ig, ig}}
	rows, labels, err := maskedRows(b, 3)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 3, 0, 4, 5, 6}, rows)
	require.Equal(t, []int32{7, 9, ig, ig, ig, ig}, labels)
	_, _, err = maskedRows(b, 1)
	require.ErrorContains(t, err, "2 hidden tokens, planned for 1")
}
