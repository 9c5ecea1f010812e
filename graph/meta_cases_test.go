package graph

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
)

// runNodes compiles g, runs it once over poisoned arenas and returns the outputs.
func runNodes(t *testing.T, g *Graph, dev *ref.Device, o Options) [][]float64 {
	t.Helper()
	s := NewStore(dev, LeafSource)
	p, err := Compile(g, s, o)
	require.NoError(t, err)
	require.NoError(t, s.Poison())
	require.NoError(t, p.Run(context.Background()))
	var out [][]float64
	for _, n := range g.asked {
		out = append(out, append([]float64(nil), floats(p.Buffer(n))[:n.Shape.Elems()]...))
	}
	return out
}

// Updates of one state keep their order, and what reads it, or a view of it, between two of them reads the value between.
func TestMetaStateOrder(t *testing.T) {
	build := func() *Graph {
		g := New()
		state, x := g.StateOf("state", 4, 4), g.Weight("x", backend.F32, false, 4, 4)
		view := Reshape(state, 2, 8)
		before := Add(view, view)
		Accumulate(state, Mul(x, x))
		between := Add(view, view)
		again := Add(Reshape(state, 2, 8), view)
		Clear(state)
		Accumulate(state, x)
		g.Output(before, between, again, Add(view, view))
		return g
	}
	x := LeafValues("x", f32(4, 4))
	for _, o := range []Options{{}, skip("schedule"), skip("common"), {Unplanned: true}} {
		out := runNodes(t, build(), ref.New(), o)
		for i, v := range x {
			require.Zero(t, out[0][i])
			require.InDelta(t, 2*v*v, out[1][i], 1e-15)
			require.InDelta(t, 2*v*v, out[2][i], 1e-15)
			require.InDelta(t, 2*v, out[3][i], 1e-15)
		}
	}
}

// A weight that is read before and after its update is two values, for common and for the transposed copies.
func TestMetaWeightUpdatedBetween(t *testing.T) {
	g := New()
	w, x := g.Weight("w", backend.F32, true, 8, 8), g.Weight("x", backend.F32, false, 4, 8)
	first := Linear(x, w, nil)
	Accumulate(w, w.g.Fill(1, 8, 8))
	second := Linear(x, w, nil)
	g.Output(first, second)
	out := runNodes(t, g, ref.New(), Options{})
	xs := LeafValues("x", f32(4, 8))
	for i := range 4 {
		sum := 0.0
		for _, v := range xs[8*i : 8*i+8] {
			sum += v
		}
		for j := range 8 {
			require.InDelta(t, sum, out[1][8*i+j]-out[0][8*i+j], 1e-12)
		}
	}
}

// Values above the binding limit lie in parts, and the results do not change: products with bias, activation and residual either way
// round, embeddings and their gradient, the vocabulary head, optimizers.
func TestMetaSplit(t *testing.T) {
	build := func() *Graph {
		g := New()
		x := g.Weight("x", backend.F32, false, 4, 32)
		wide, bias := g.Weight("wide", backend.F32, true, 48, 32), g.Weight("bias", backend.F32, true, 48)
		tall := g.Weight("tall", backend.F32, true, 48, 32)
		h := Activation(Linear(x, wide, bias), GeLU)
		y := Add(Activation(AddVec(MatMul(h, tall, false, false), g.Weight("b2", backend.F32, true, 32)), Tanh), x)
		z := Activation(MatMul(h, g.Weight("frozen", backend.F32, false, 48, 32), false, false), SiLU)
		z = Add(z, MatMul(g.Weight("xt", backend.F32, false, 48, 4), g.Find("frozen"), true, false))
		seg := g.InputOf("seg", backend.U32, 14)
		e := Embedding(g.Weight("table", backend.F32, true, 50, 32), g.InputOf("ids", backend.U32, 4), seg)
		loss, rows := VocabLoss(Add(Add(y, z), e), g.Find("table"), nil, g.InputOf("labels", backend.U32, 4), g.Weight("scale", backend.F32, false, 1), 0.125)
		wrt := []*Node{wide, bias, tall, g.Find("table")}
		ds := g.Grad(loss, wrt)
		hyper, clip := g.Weight("hyper", backend.F32, false, HyperSize), ClipScale(SquaredNorms(ds...), 1)
		for i, p := range wrt {
			SGD(p, nil, ds[i], hyper, clip, SGDOptions{LRScale: 1})
		}
		g.Output(y, z, rows, clip)
		return g
	}
	whole := runNodes(t, build(), ref.New(), skip("transpose"))
	small := ref.New()
	lim := small.Limits()
	lim.MaxBinding = 2048 // a weight of 48 x 32 takes three or four bindings
	small.SetLimits(lim)
	near(t, results{"y": whole[0], "z": whole[1], "rows": whole[2], "clip": whole[3]}, func() results {
		out := runNodes(t, build(), small, skip("transpose"))
		return results{"y": out[0], "z": out[1], "rows": out[2], "clip": out[3]}
	}(), 1e-12)
}

// What cannot be right is an error that names the op and its line, not a wrong gradient.
func TestGradRefuses(t *testing.T) {
	g := New()
	x := g.Weight("x", backend.F32, true, 4, 8)
	g.Grad(SquaredNorms(x), []*Node{x})
	require.ErrorContains(t, g.Err(), "squares (graph/meta_cases_test.go:")

	g = New()
	_, rows := CrossEntropy(g.Weight("x", backend.F32, true, 4, 8), ints(g, "y", 4), lossScale(g), 0)
	g.Grad(Reshape(ColSum(Reshape(rows, 4, 1)), 1), []*Node{g.Find("x")})
	require.ErrorContains(t, g.Err(), "row losses")

	g = New()
	Accumulate(g.Fill(0, 4), g.Fill(1, 4))
	require.ErrorContains(t, g.Err(), "updated in place")
}

// Dropping what blocks keep makes a deep model's arenas smaller.
func TestMetaRecomputeSaves(t *testing.T) {
	bytes := func(recompute bool) int64 {
		g := New()
		x := Embedding(weight(g, "e", 20, 16), ints(g, "ids", 64), ints(g, "segs", 3*64+2))
		for range 8 {
			end := g.Block()
			n := RMSNorm(x, g.Weight("gamma", backend.F32, true, 16), 1e-5)
			x = Add(x, Linear(Activation(Linear(n, weight(g, "up", 64, 16), nil), GeLU), weight(g, "down", 16, 64), nil))
			end()
		}
		loss, _ := VocabLoss(x, g.Find("e"), nil, ints(g, "y", 64), lossScale(g), 0)
		wrt := []*Node{g.Find("e"), g.Find("gamma"), g.Find("up"), g.Find("down")}
		for i, d := range g.Grad(loss, wrt) {
			Accumulate(g.StateOf("acc"+wrt[i].leaf.Name, wrt[i].Shape...), d)
		}
		g.Output(loss)
		dev := ref.New()
		d, err := Prepare(g, dev.Info(), dev.Limits(), Options{Recompute: recompute})
		require.NoError(t, err)
		return d.Plan.ArenaBytes()
	}
	require.Less(t, float64(bytes(true)), 0.6*float64(bytes(false)))
}
