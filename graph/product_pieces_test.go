package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/graph"
	"luthier/internal/testdev"
)

// Long launches are cut on GPUs: training steps whose products come in pieces of four rows are those of the float64 reference, which cuts none.
func TestMetaPieces(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	restore := graph.SetPieces(backend.Intel, 1, 4)
	defer restore()
	sweep(t, as{dev, backend.Intel}, as{ref.New(), backend.OtherGPU}, 8)
}

// narrow takes few workgroups in a dimension.
type narrow struct {
	backend.Device
	groups uint32
}

func (d narrow) Limits() backend.Limits {
	l := d.Device.Limits()
	l.MaxGroups = d.groups
	return l
}

// dispatches counts what a graph with one product launches.
func dispatches(t *testing.T, dev backend.Device, m, n, k int) int {
	g := graph.New()
	y := graph.MatMul(g.InputOf("a", backend.F32, m, k), g.InputOf("b", backend.F32, k, n), false, false)
	g.Output(y)
	d, err := graph.Prepare(g, dev.Info(), dev.Limits(), graph.Options{})
	require.NoError(t, err)
	return d.Plan.Commands
}

// Products are cut at the adapter's workgroups in either direction, and at the flops of its class.
func TestPieces(t *testing.T) {
	intel := as{ref.New(), backend.Intel}
	for _, c := range []struct {
		dev     backend.Device
		m, n, k int
		want    int
	}{
		{intel, 128, 128, 64, 1},
		{intel, 4096, 4096, 4096, 8},                                     // 137 GFLOP by 20, in pieces of 512 rows
		{as{ref.New(), backend.NVIDIA}, 4096, 4096, 4096, 3},             // by 50: 1,408 rows
		{as{ref.New(), backend.Software}, 4096, 4096, 4096, 1},           // nobody waits for it
		{narrow{as{ref.New(), backend.NVIDIA}, 64}, 16, 16384, 4, 4},     // wide tiles of 64 columns, 4,096 at once
		{narrow{as{ref.New(), backend.NVIDIA}, 300}, 1000, 4, 3, 4},      // the plain kernel has a workgroup a row: 256 at once
		{narrow{as{ref.New(), backend.NVIDIA}, 65535}, 70000, 12, 10, 2}, // as the head of a token classifier with 128 x 512 tokens and more
	} {
		require.Equal(t, c.want, dispatches(t, c.dev, c.m, c.n, c.k), "%d x %d x %d", c.m, c.n, c.k)
	}
}

func TestBigTiles(t *testing.T) {
	for name, want := range map[string]bool{
		"AMD Radeon RX 7900 XTX (RADV NAVI31)": true, "AMD Radeon RX 5700 XT": true, "AMD Radeon RX 6600": true, "AMD Radeon RX 9070 XT": true,
		"AMD Radeon 780M Graphics": true, "AMD Radeon RX 590 Series": false, "AMD Radeon RX 580": false, "Radeon RX 550": false, "AMD Radeon RX 640": false,
		"AMD Radeon RX Vega": false, "AMD Radeon (TM) R9 390 Series": false,
	} {
		require.Equal(t, want, graph.BigTiles(backend.Info{Class: backend.AMD, Name: name}), name)
	}
	require.True(t, graph.BigTiles(backend.Info{Class: backend.NVIDIA, Name: "NVIDIA GeForce GTX 970"}))
	require.False(t, graph.BigTiles(backend.Info{Class: backend.Intel, Name: "Intel Arc"}))
}
