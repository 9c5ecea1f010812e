package graph_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/graph"
	"luthier/internal/testdev"
)

// noisyNet is a small network with every kind of op that loads trained weights: a tied table, norms, matrices with and without bias.
// rows tokens; the losses of the rows are its output.
func noisyNet(g *graph.Graph, rows int, dt backend.DType) *graph.Node {
	ids := g.InputOf("ids", backend.U32, rows)
	table := g.Weight("table", dt, true, 72, 32)
	x := graph.Embedding(table, ids, nil)
	x = graph.LayerNorm(x, g.Weight("ln.weight", backend.F32, true, 32), g.Weight("ln.bias", backend.F32, true, 32), 1e-5)
	h := graph.Activation(graph.Linear(x, g.Weight("up.weight", backend.F32, true, 64, 32), g.Weight("up.bias", backend.F32, true, 64)), graph.GeLU)
	a := graph.Linear(x, g.Weight("a.weight", backend.F32, true, 8, 32), nil)
	x = graph.Add(x, graph.Linear(h, g.Weight("down.weight", backend.F32, true, 32, 64), g.Weight("down.bias", backend.F32, false, 32)))
	x = graph.AddScaled(x, graph.Linear(a, g.Weight("b.weight", backend.F32, true, 32, 8), nil), 2)
	x = graph.RMSNorm(graph.MulVec(x, g.Weight("ia3", backend.F32, true, 32)), g.Weight("rms", backend.F32, true, 32), 1e-5)
	_, each := graph.VocabLoss(x, table, g.Weight("head.bias", backend.F32, true, 72), g.InputOf("labels", backend.U32, rows), g.InputOf("scale", backend.F32, 1), 0)
	g.Output(each)
	return each
}

var noisyOrder = map[string]int{"table": 0, "ln.weight": 1, "ln.bias": 2, "up.weight": 3, "up.bias": 4, "a.weight": 5, "b.weight": 6, "down.weight": 7,
	"ia3": 8, "rms": 9, "head.bias": 10}

func noisySource(n *graph.Node) ([]byte, error) {
	l, s := n.Leaf(), n.Shape
	if l.Of != "" {
		s = l.From.Shape
	}
	seed := uint32(len(l.Name)) * 77
	if l.Of != "" {
		seed = uint32(len(l.Of)) * 77
	}
	size := 4
	if n.DType == backend.BF16 {
		size = 2
	}
	raw := make([]byte, size*s.Elems())
	for i := range s.Elems() {
		seed = seed*1664525 + 1013904223
		v := float32(seed>>8)/float32(1<<24) - 0.5
		if size == 2 {
			binary.LittleEndian.PutUint16(raw[2*i:], uint16(math.Float32bits(v)>>16))
		} else {
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
		}
	}
	if l.Of != "" {
		return graph.TransposeBytes(raw, s[0], s[1], s[1], max(n.LD, s[0]), size), nil
	}
	return raw, nil
}

func noiseTable(a, b float32, threshold float32) []byte {
	w := make([]uint32, graph.ZOHead+len(noisyOrder))
	w[0], w[1], w[2], w[3], w[5], w[6], w[7] = 12345, 678, math.Float32bits(a), math.Float32bits(b), 31, 7, 3
	for i := graph.ZOHead; i < len(w); i++ {
		w[i] = math.Float32bits(threshold)
	}
	return u32s(w...)
}

func u32s(w ...uint32) []byte {
	var out []byte
	for _, v := range w {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

// run feeds the network's inputs, two copies of them for a pair, and returns the losses of the rows.
func runNoisy(t *testing.T, p *graph.Program, each *graph.Node, copies int, table []byte) []float64 {
	t.Helper()
	var ids, labels []uint32
	for range copies {
		for r := range 12 {
			ids, labels = append(ids, uint32(r*5%72)), append(labels, uint32(r*11%72))
		}
	}
	for name, raw := range map[string][]byte{"ids": u32s(ids...), "labels": u32s(labels...), "scale": u32s(math.Float32bits(1)), graph.ZOTable: table} {
		require.NoError(t, p.Write(name, raw))
	}
	require.NoError(t, p.Run(context.Background()))
	raw, err := p.Read(context.Background(), each)
	require.NoError(t, err)
	return decode(raw)
}

// A forward pass with noise gives what a plain one gives after the same noise was added to the weights; in pairs, both signs at once.
func TestNoiseIsAdded(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	defer graph.SetPieces(backend.Intel, 1, 4)()
	devices := map[string]backend.Device{"float64": ref.New(), "adapter": dev, "adapter, GPU kernels": as{dev, backend.NVIDIA},
		"adapter, GPU kernels in pieces": as{dev, backend.Intel}}
	for name, dev := range devices {
		for _, kind := range []graph.NoiseKind{graph.Rademacher, graph.Binomial, graph.LowRank} {
			for _, sparse := range []bool{false, true} {
				for _, dt := range []backend.DType{backend.F32, backend.BF16} {
					t.Run(fmt.Sprintf("%s, kind %d, sparse %v, %s", name, kind, sparse, dt), func(t *testing.T) { noiseIsAdded(t, dev, kind, sparse, dt) })
				}
			}
		}
	}
}

func noiseIsAdded(t *testing.T, dev backend.Device, kind graph.NoiseKind, sparse bool, dt backend.DType) {
	const a = 1.0 / 64
	noise := &graph.Noise{Kind: kind, Sparse: sparse, Order: noisyOrder}
	store := graph.NewStore(dev, noisySource)
	defer store.Close()
	leaves := map[string]*graph.Node{}
	build := func(rows int, n *graph.Noise) (*graph.Program, *graph.Node) {
		g := graph.New()
		each := noisyNet(g, rows, dt)
		d, err := graph.Prepare(g, dev.Info(), dev.Limits(), graph.Options{Forward: true, Noise: n})
		require.NoError(t, err)
		for _, n := range d.Used() {
			if n.Leaf().Kind == graph.Trainable {
				leaves[n.Leaf().Name] = n
			}
		}
		p, err := d.Bind(store)
		require.NoError(t, err)
		return p, each
	}
	pair := *noise
	pair.Pair = true
	both, bothEach := build(24, &pair)
	plain, plainEach := build(12, nil)
	noisy, noisyEach := build(12, noise)
	update := graph.New()
	for _, n := range leaves {
		graph.AddNoise(update.Again(n), noise)
	}
	add, err := graph.Compile(update, store, graph.Options{Forward: true})
	require.NoError(t, err)

	start := runNoisy(t, plain, plainEach, 1, nil)
	require.Equal(t, start, runNoisy(t, noisy, noisyEach, 1, noiseTable(0, 0, 0.3)), "no noise, no change")
	plus := runNoisy(t, noisy, noisyEach, 1, noiseTable(a, a, 0.3))
	minus := runNoisy(t, noisy, noisyEach, 1, noiseTable(-a, -a, 0.3))
	pairs := runNoisy(t, both, bothEach, 2, noiseTable(a, -a, 0.3))
	require.InDeltaSlice(t, append(plus, minus...), pairs, 2e-5)
	require.Equal(t, start, runNoisy(t, plain, plainEach, 1, nil), "the weights were not written")
	require.Greater(t, math.Abs(plus[3]-start[3]), 1e-4)

	require.NoError(t, add.Write(graph.ZOTable, noiseTable(a, a, 0.3)))
	require.NoError(t, add.Run(context.Background()))
	moved := runNoisy(t, plain, plainEach, 1, nil)
	tol := 2e-5
	if dt == backend.BF16 {
		tol = 0.03 // the table was rounded by chance
	}
	require.InDeltaSlice(t, plus, moved, tol)
}
