package zeroth

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
	"luthier/data"
	"luthier/graph"
	"luthier/model"
	"luthier/train"
)

// gradients are those of the mean loss of a batch by backpropagation, by the names of the weights.
func gradients(t *testing.T, e *train.Engine, b *data.Batch) map[string][]float64 {
	t.Helper()
	g := graph.New()
	mb := model.NewBuilder(g, e.Config, e.Weights, e.Method, b.B, b.T)
	mb.Tables = true
	out, err := mb.Loss(e.Task, e.Labels, 0)
	require.NoError(t, err)
	var params []*graph.Node
	for _, n := range g.Leaves() {
		if n.Leaf().Kind == graph.Trainable {
			params = append(params, n)
		}
	}
	var grads []*graph.Node
	var names []string
	for i, d := range g.Grad(out.Loss, params) {
		if d != nil {
			g.Output(d)
			grads, names = append(grads, d), append(names, params[i].Leaf().Name)
		}
	}
	store := graph.NewStore(e.Dev, e.Weights.Source)
	defer store.Close()
	p, err := graph.Compile(g, store, graph.Options{})
	require.NoError(t, err)
	n := b.LossTokens
	if e.Task == model.Regress {
		n = b.Rows
	}
	require.NoError(t, e.Feed(p, b, 1/float64(n)))
	require.NoError(t, p.Run(context.Background()))
	all := map[string][]float64{}
	for i, d := range grads {
		raw, err := p.Read(context.Background(), d)
		require.NoError(t, err)
		x := TensorOf(TensorInfo{Shape: [2]int{1, 1}, DType: "f32"}, raw).F32
		for _, v := range x[:d.Shape.Elems()] {
			all[names[i]] = append(all[names[i]], float64(v))
		}
	}
	return all
}

// slope is z^T grad, from the log's header and the host's noise alone, in units of the perturbation: Gaussian noise counts as z / sqrt(8).
func slope(h *Header, term Term, grads map[string][]float64) (g float64) {
	for i, x := range h.Tensors {
		z := make([]int8, x.Shape[0]*x.Shape[1])
		term.Values(z, x.Shape[0], x.Shape[1], i, 0)
		for e, d := range grads[x.Name] {
			g += d * float64(z[e])
		}
	}
	if term.Noise == Gaussian {
		g /= math.Sqrt(8)
	}
	return g
}

// central is (L(theta + eps z) - L(theta - eps z)) / (2 eps) as the stepper measures it for direction d of step 1.
func central(t *testing.T, s *Stepper, b *data.Batch, d int, eps float64) (g float64, term Term) {
	t.Helper()
	p := s.probe(context.Background(), 1, 0, []*data.Batch{b})
	plus, minus, err := p.pair(p.seed(d), eps)
	require.NoError(t, err)
	return (plus - minus) / (2 * eps), s.direction(1, p.seed(d), eps)
}

var noises = []Noise{Rademacher, Gaussian, LowRank}

// The squared error of a linear head is quadratic in the head, and a central difference of a quadratic is its slope, whatever eps. What is
// left is the rounding of the losses, which the device hands over as f32.
func TestQuadraticIsExact(t *testing.T) {
	b := headOnly.batches(t, 1)[0]
	for _, noise := range noises {
		e := headOnly.engine(t, ref.New())
		s := ready(t, e, options(t, "mezo", func(o *Options) { o.Noise = noise }), []*data.Batch{b})
		require.Len(t, s.Header.Tensors, 2)
		grads := gradients(t, e, b)
		for d := range 4 {
			for _, eps := range []float64{1. / 16, 1, 16} {
				g, term := central(t, s, b, d, eps)
				want := slope(&s.Header, term, grads)
				loss := 1 + eps*eps // about the size of the losses that were subtracted
				require.InDelta(t, want, g, 4e-5*math.Abs(want)+1e-6*loss/eps, "%s, direction %d, eps %g", noise, d, eps)
			}
		}
	}
}

// On every other loss the slope is z^T grad up to eps^2: each weight is perturbed, by its own noise, a tied one once though it is used
// twice, and both forwards see the same batch. Half of the eps has a quarter of the error: two of them together have next to none.
func TestSlopeIsTheGradients(t *testing.T) {
	for _, m := range []golden{bertLoRA, bertFull, llamaLoRA, llamaFull} {
		for _, noise := range noises {
			if m.method == "lora" && noise != Rademacher {
				continue // adapters differ from the rest in where they are loaded, not in noise
			}
			t.Run(m.String()+", "+string(noise), func(t *testing.T) {
				b := m.batches(t, 2)[1] // with a row of padding
				e := m.engine(t, ref.New())
				s := ready(t, e, options(t, "mezo", func(o *Options) { o.Noise = noise }), []*data.Batch{b})
				grads := gradients(t, e, b)
				norm := 0.0
				for _, x := range s.Header.Tensors {
					for _, d := range grads[x.Name] {
						norm += d * d
					}
				}
				for d := range 2 {
					wide, term := central(t, s, b, d, 1e-3)
					narrow, _ := central(t, s, b, d, 5e-4)
					want := slope(&s.Header, term, grads)
					require.InDelta(t, want, (4*narrow-wide)/3, 3e-3*math.Sqrt(norm), "direction %d, |grad| %g", d, math.Sqrt(norm))
				}
			})
		}
	}
}
