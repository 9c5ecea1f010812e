package graph_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/graph"
	"luthier/internal/testdev"
)

// Many rows are multiplied by perturbed copies of some columns of a weight at a time, few rows by the weight with the noise added where it is
// loaded. Both give the same bits.
func TestNoisyPanels(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	if dev.Info().Class != backend.Software {
		t.Skip("only software adapters copy")
	}
	for _, kind := range []graph.NoiseKind{graph.Rademacher, graph.Binomial, graph.LowRank} {
		for _, dt := range []backend.DType{backend.F32, backend.BF16} {
			for _, pair := range []bool{false, true} {
				t.Run(fmt.Sprintf("kind %d, %s, pair %v", kind, dt, pair), func(t *testing.T) {
					noise := graph.Noise{Kind: kind, Sparse: kind == graph.LowRank, Pair: pair, Order: map[string]int{"w": 0, "bias": 1}}
					many, copies := panelRun(t, dev, 40, dt, &noise)
					few, loaded := panelRun(t, dev, 20, dt, &noise)
					require.GreaterOrEqual(t, copies, 2, "panels")
					require.Zero(t, loaded)
					half := len(few) / 2
					if pair {
						require.Equal(t, few[half:], many[len(many)/2:][:half])
						require.NotEqual(t, few[:half], few[half:])
						few = few[:half]
					}
					require.Equal(t, few, many[:len(few)])
				})
			}
		}
	}
}

// panelRun is gelu(x w^T + bias) + x, its weights perturbed, for that many rows, and twice as many in pairs; the rows do not depend on how
// many there are. It tells how many perturbed copies of columns were made.
func panelRun(t *testing.T, dev backend.Device, rows int, dt backend.DType, noise *graph.Noise) (y []float64, copies int) {
	const in, out = 160, 1700 // two panels of 1,600 columns
	all := rows
	if noise.Pair {
		all = 2 * rows
	}
	g := graph.New()
	x, r := g.InputOf("x", backend.F32, all, in), g.InputOf("r", backend.F32, all, out)
	h := graph.Linear(x, g.Weight("w", dt, true, out, in), g.Weight("bias", backend.F32, true, out))
	node := graph.Add(graph.Activation(h, graph.GeLU), r)
	g.Output(node)
	store := graph.NewStore(dev, noisySource)
	defer store.Close()
	p, err := graph.Compile(g, store, graph.Options{Forward: true, Noise: noise})
	require.NoError(t, err)
	for name, cols := range map[string]int{"x": in, "r": out} {
		require.NoError(t, p.Write(name, repeated(rows, cols, all/rows)))
	}
	table := make([]uint32, graph.ZOHead+2)
	table[0], table[2], table[3], table[5], table[7] = 77, math.Float32bits(1.0/64), math.Float32bits(-1.0/64), 5, 3
	table[graph.ZOHead], table[graph.ZOHead+1] = math.Float32bits(0.25), math.Float32bits(0.25)
	require.NoError(t, p.Write(graph.ZOTable, u32s(table...)))
	require.NoError(t, p.Run(context.Background()))
	raw, err := p.Read(context.Background(), node)
	require.NoError(t, err)
	for _, d := range p.Recording().Dispatches {
		if d.Kernel.Name == "zo_copy" && d.Groups[1] > 1 {
			copies++
		}
	}
	return decode(raw), copies
}

// repeated is a matrix of plain numbers, several times below itself.
func repeated(rows, cols, times int) []byte {
	var out []byte
	for range times {
		for i := range rows * cols {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(i*7919%1009)/1009-0.5))
		}
	}
	return out
}
