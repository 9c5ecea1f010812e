package graph_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/graph"
	"luthier/internal/testdev"
)

// A sum of more terms than lavapipe's loops go round is whole: both operands are ones, so the product counts the terms.
func TestLongProduct(t *testing.T) {
	const k = 70000
	dev := testdev.Open(t, webgpu.Options{})
	g := graph.New()
	y := graph.MatMul(g.Fill(1, k, 4), g.Fill(1, k, 4), true, false)
	g.Output(y)
	store := graph.NewStore(dev, nil)
	defer store.Close()
	p, err := graph.Compile(g, store, graph.Options{})
	require.NoError(t, err)
	require.NoError(t, p.Run(context.Background()))
	raw, err := backend.Read(context.Background(), dev, p.Buffer(y))
	require.NoError(t, err)
	for i := range 16 {
		require.Equal(t, float32(k), math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
	}
}
