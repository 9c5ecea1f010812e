package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"luthier/backend"
	"luthier/graph"
)

// layerShape is one linear layer of a model: [out, in], and how often it is there.
type layerShape struct {
	name    string
	in, out int
	times   int
}

// rate is what one kind of product reaches.
type rate struct {
	Layer   string  `json:"layer"`
	Kind    string  `json:"kind"` // forward, input-gradient, weight-gradient
	M       int     `json:"m"`
	N       int     `json:"n"`
	K       int     `json:"k"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"processor_seconds,omitempty"`
	GFLOPS  float64 `json:"gflops_per_s"`
	took    took
	flops   float64
	times   int
}

// kinds of products of one layer, in the order of a training step.
var productKinds = []string{"forward", "input-gradient", "weight-gradient"}

// product builds y of one kind. rows tokens; x: [rows, in], w: [out, in], dy: [rows, out]. What a run feeds is random.
func product(g *graph.Graph, kind string, rows int, s layerShape) (y *graph.Node, m, n, k int) {
	in := func(name string, dims ...int) *graph.Node { return g.InputOf(name, backend.F32, dims...) }
	w := func() *graph.Node { return g.Weight("w", backend.F32, false, s.out, s.in) }
	switch kind {
	case "forward":
		return graph.Linear(in("x", rows, s.in), w(), nil), rows, s.out, s.in
	case "input-gradient":
		return graph.MatMul(in("dy", rows, s.out), w(), false, false), rows, s.in, s.out
	}
	return graph.MatMul(in("dy", rows, s.out), in("x", rows, s.in), true, false), s.out, s.in, rows
}

// benchMatmul measures every product of a preset's layers.
func (a *app) benchMatmul(ctx context.Context, d backend.Device, p preset, seconds float64, show bool) ([]rate, error) {
	var out []rate
	rows := p.batch * p.length
	cells := [][]string{{"layer", "product", "m", "n", "k", "rate"}}
	for _, s := range p.shapes {
		for _, kind := range productKinds {
			r, err := timeProduct(ctx, d, kind, rows, s, seconds)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
			cells = append(cells, []string{s.name, kind, fmt.Sprint(r.M), fmt.Sprint(r.N), fmt.Sprint(r.K), fmt.Sprintf("%.1f GFLOP/s", r.GFLOPS)})
		}
	}
	if show {
		first := out[0]
		r, err := timePlain(ctx, d, first.M, first.N, first.K, seconds)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
		cells = append(cells, []string{r.Layer, r.Kind, fmt.Sprint(r.M), fmt.Sprint(r.N), fmt.Sprint(r.K), fmt.Sprintf("%.1f GFLOP/s", r.GFLOPS)})
	}
	if show && !a.json {
		a.say("\nmatmul at the shapes of %s, %d tokens:", p.name, rows)
		a.table(cells)
	}
	return out, nil
}

func timeProduct(ctx context.Context, d backend.Device, kind string, rows int, s layerShape, seconds float64) (rate, error) {
	g := graph.New()
	y, m, n, k := product(g, kind, rows, s)
	g.Output(y)
	store := graph.NewStore(d, func(x *graph.Node) ([]byte, error) { return noise(x.Sig), nil })
	defer store.Close()
	p, err := graph.Compile(g, store, graph.Options{})
	if err != nil {
		return rate{}, err
	}
	for name, size := range map[string]int{"x": rows * s.in, "dy": rows * s.out} {
		if err := p.Write(name, noise(graph.Sig{Shape: graph.Shape{size}})); p.Wants(name) && err != nil {
			return rate{}, err
		}
	}
	t, err := clock(ctx, d, seconds, func() error { return p.Run(ctx) })
	if err != nil {
		return rate{}, err
	}
	flops := 2 * float64(m) * float64(n) * float64(k)
	return newRate(s.name, kind, m, n, k, t, flops, s.times), nil
}

func newRate(layer, kind string, m, n, k int, t took, flops float64, times int) rate {
	return rate{Layer: layer, Kind: kind, M: m, N: n, K: k, Seconds: t.wall.Seconds(), CPU: t.cpu.Seconds(), GFLOPS: flops / t.wall.Seconds() / 1e9,
		took: t, flops: flops, times: times}
}

// noise fills a value with small random numbers: an all-zero product might be fast for the wrong reason. Rows may be padded.
func noise(s graph.Sig) []byte {
	n := s.Shape.Elems()
	if s.LD > 0 {
		n = s.Shape.Rows() * s.LD
	}
	r := rand.New(rand.NewPCG(1, uint64(n)))
	out := make([]byte, 0, 4*n)
	for range n {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(r.Float32()-0.5))
	}
	return out
}

// matmulRate is the rate of a step's products, each as often as the step has it: forward and input gradient of all layers, weight gradients
// too where the base is trained. By the wall clock, and by cost.
func matmulRate(rates []rate, full bool) (wall, cost float64) {
	flops, seconds, costs := 0.0, 0.0, 0.0
	for _, r := range rates {
		if r.Kind == "weight-gradient" && !full {
			continue
		}
		flops += float64(r.times) * r.flops
		seconds += float64(r.times) * r.took.wall.Seconds()
		costs += float64(r.times) * r.took.cost().Seconds()
	}
	return flops / seconds, flops / costs
}
