package graph

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
)

// gradCase builds a scalar loss from leaves; every trainable leaf is checked.
type gradCase struct {
	name  string
	build func(g *Graph) *Node
	fill  map[string]func(i int) float64 // values of inputs; weights are random
}

var gradCases []gradCase

// gradOf registers a case; the registry test wants one for every op with a VJP.
func gradOf(name string, build func(g *Graph) *Node, fill map[string]func(i int) float64) bool {
	gradCases = append(gradCases, gradCase{name, build, fill})
	return true
}

// pooled makes a scalar of x that weighs each element differently, through ops with gradients of their own.
func pooled(x *Node) *Node {
	g := x.Graph()
	n := x.Shape.Elems()
	w := g.Weight(fmt.Sprint("pool", n), backend.F32, false, 1, n)
	return MatMul(Reshape(x, 1, n), w, false, true)
}

// TestGrad compares every vector-Jacobian product with central differences on the float64 device.
func TestGrad(t *testing.T) {
	for _, c := range gradCases {
		t.Run(c.name, func(t *testing.T) { checkGrad(t, c, Options{}) })
	}
}

func checkGrad(t *testing.T, c gradCase, o Options) {
	g := New()
	loss := c.build(g)
	require.NoError(t, g.Err())
	var wrt []*Node
	for _, l := range g.Leaves() {
		if l.Leaf().Kind == Trainable {
			wrt = append(wrt, l)
		}
	}
	require.NotEmpty(t, wrt)
	grads := g.Grad(loss, wrt)
	require.NoError(t, g.Err())
	g.Output(loss)
	for i, d := range grads {
		require.NotNil(t, d, "no gradient for %v", wrt[i])
		require.True(t, d.Shape.Equal(wrt[i].Shape), "gradient of %v has shape %v", wrt[i], d.Shape)
	}
	g.Output(grads...)
	dev := ref.New()
	store := NewStore(dev, nil)
	p, err := Compile(g, store, o)
	require.NoError(t, err)
	fillLeaves(g, store, c)
	ctx := context.Background()
	run := func() float64 {
		require.NoError(t, p.Run(ctx))
		return floats(p.Buffer(g.asked[0]))[0]
	}
	run()
	got := make([][]float64, len(wrt))
	for i := range wrt {
		got[i] = append([]float64(nil), floats(p.Buffer(g.asked[1+i]))[:wrt[i].Shape.Elems()]...)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for i, w := range wrt {
		x := floats(store.Buffers(w.leaf.Name)[0])
		scale := 1e-3
		for _, d := range got[i] {
			scale = max(scale, math.Abs(d))
		}
		for range min(20, len(got[i])) {
			j := rng.IntN(w.Shape.Elems())
			const h = 1e-4
			old := x[j]
			d := [4]float64{}
			for k, e := range []float64{-2 * h, -h, h, 2 * h} {
				x[j] = old + e
				d[k] = run()
			}
			x[j] = old
			want := (d[0] - 8*d[1] + 8*d[2] - d[3]) / (12 * h) // fourth order, so that the truncation error is below the bound
			require.InDelta(t, want, got[i][j], 1e-8*scale, "%v[%d]", w, j)
		}
	}
}

func floats(b backend.Buffer) []float64 { return b.(*ref.Buffer).Floats() }

func fillLeaves(g *Graph, s *Store, c gradCase) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range g.Leaves() {
		if !s.Has(key(n)) {
			continue
		}
		x := floats(s.Buffers(key(n))[0])
		for i := range n.Shape.Elems() {
			switch f := c.fill[n.leaf.Name]; {
			case f != nil:
				x[i] = f(i)
			case n.leaf.Of == "" && n.leaf.Kind != State && n.leaf.Kind != Input:
				x[i] = rng.NormFloat64() * 0.7
			}
		}
	}
	for _, n := range g.Leaves() { // transposed leaves follow their originals
		if n.leaf.Of == "" || !s.Has(key(n)) {
			continue
		}
		y := floats(s.Buffers(key(n))[0])
		src := g.Find(n.leaf.Of)
		x := make([]float64, src.Shape.Elems())
		if s.Has(n.leaf.Of) {
			copy(x, floats(s.Buffers(n.leaf.Of)[0]))
		} else {
			for i := range x {
				x[i] = rng.NormFloat64() * 0.7
			}
		}
		for i := range src.Shape[0] {
			for j := range src.Shape[1] {
				y[j*n.ld()+i] = x[i*src.Shape[1]+j]
			}
		}
	}
}
