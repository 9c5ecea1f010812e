package train

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
	"luthier/model"
)

// TestGoldenGradients holds what Gradients reads back against PyTorch's logits, loss and gradients by name.
func TestGoldenGradients(t *testing.T) {
	for _, c := range goldens {
		t.Run(c.dir, func(t *testing.T) {
			dir := modelDir(c.dir)
			gold := openGolden(t, dir)
			e := openEngine(t, ref.New(), dir, c.task, c.labels, nil)
			b := gold.batch(c.task)
			plan, err := e.GradientsPlan(Shape{b.B, b.T})
			require.NoError(t, err)
			require.Positive(t, plan.Total())
			got, err := e.Gradients(context.Background(), b)
			require.NoError(t, err)
			near(t, "loss", gold.reals("loss"), floats(got.Loss.Data))
			want, _ := gold.Tensor("logits")
			require.Equal(t, want.Elems(), len(got.Logits.Data)/4)
			if c.task == model.CausalLM || c.task == model.MaskedLM {
				require.Equal(t, want.Shape, got.Logits.Shape)
			}
			near(t, "logits", gold.reals("logits"), floats(got.Logits.Data))
			left := map[string]bool{}
			for _, n := range gold.Names() {
				if strings.HasPrefix(n, "grad.") {
					left[strings.TrimPrefix(n, "grad.")] = true
				}
			}
			for _, p := range got.Params {
				require.True(t, left[p.Name], "%s: PyTorch has no such gradient, or it came twice", p.Name)
				delete(left, p.Name)
				if !strings.HasSuffix(p.Name, "key.bias") { // zero in exact arithmetic
					near(t, p.Name, gold.reals("grad."+p.Name), floats(p.Data))
				}
			}
			require.Empty(t, left, "gradients that only PyTorch has")
		})
	}
}

// TestPaddingRowHasNoGradient: PyTorch's Embedding leaves the row padding_idx alone, whatever the loss says of it, and no other.
func TestPaddingRowHasNoGradient(t *testing.T) {
	dir := modelDir("llama_untied")
	e := openEngine(t, ref.New(), dir, model.CausalLM, 0, nil)
	b := openGolden(t, dir).batch(model.CausalLM)
	pad := int32(*e.Config.PadID)
	b.IDs[1] = pad // a token of the text like any other
	row := func() []float32 {
		got, err := e.Gradients(context.Background(), b)
		require.NoError(t, err)
		for _, p := range got.Params {
			if p.Name == "model.embed_tokens.weight" {
				d := p.Shape[1]
				return floats(p.Data)[int(pad)*d : (int(pad)+1)*d]
			}
		}
		t.Fatal("no gradient of the embedding")
		return nil
	}
	require.Equal(t, make([]float32, len(row())), row())
	e.Config.PadID = nil
	require.NotEqual(t, make([]float32, len(row())), row())
}

// near compares relative to the largest magnitude.
func near(t *testing.T, what string, want, have []float32) {
	t.Helper()
	require.Len(t, have, len(want), what)
	scale := float32(1e-12)
	for _, v := range want {
		scale = max(scale, v, -v)
	}
	for i, v := range want {
		require.InDelta(t, v, have[i], 1e-5*float64(scale), "%s[%d]", what, i)
	}
}
