package graph_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/graph"
	"luthier/internal/testdev"
)

// A forward pass around the anchor gives what one around the weights gave when they were copied, to the bit, in every form in which an
// adapter keeps them, with bindings too small for a weight, and whatever happened to the weights since.
func TestAnchorIsACopy(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	devices := map[string]backend.Device{"float64": ref.New(), "adapter": dev, "adapter, GPU kernels": as{dev, backend.NVIDIA},
		"adapter, GPU kernels, parts": split{as{dev, backend.NVIDIA}, 6400}}
	for name, dev := range devices {
		for _, dt := range []backend.DType{backend.F32, backend.BF16} {
			for _, pair := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, pair %v", name, dt, pair), func(t *testing.T) { anchorIsACopy(t, dev, dt, pair) })
			}
		}
	}
}

// split is a device whose bindings hold no more than so many bytes.
type split struct {
	backend.Device
	bytes int64
}

func (s split) Limits() backend.Limits {
	l := s.Device.Limits()
	l.MaxBinding = s.bytes
	return l
}

func anchorIsACopy(t *testing.T, dev backend.Device, dt backend.DType, pair bool) {
	store := graph.NewStore(dev, noisySource)
	defer store.Close()
	noise := graph.Noise{Kind: graph.Rademacher, Pair: pair, Order: noisyOrder}
	copies := 1
	if pair {
		copies = 2
	}
	var trained, states []*graph.Node
	build := func(n graph.Noise) (*graph.Draft, *graph.Node) {
		g := graph.New()
		each := noisyNet(g, 12*copies, dt)
		d, err := graph.Prepare(g, dev.Info(), dev.Limits(), graph.Options{Forward: true, Noise: &n})
		require.NoError(t, err)
		for _, x := range d.Used() {
			switch x.Leaf().Kind {
			case graph.Trainable:
				trained = append(trained, x)
			case graph.State:
				states = append(states, x)
			}
		}
		return d, each
	}
	here, hereEach := build(noise)
	n := len(trained)
	noise.Anchor = true
	there, thereEach := build(noise)
	require.Len(t, trained, n, "around the anchor no trained weight is loaded")
	require.Len(t, states, n)
	noise.Anchor = false
	keep, update := graph.New(), graph.New()
	for _, x := range trained {
		w := keep.Again(x)
		graph.CopyTo(keep.Anchor(w), w)
		graph.AddNoise(update.Again(x), &noise)
	}
	var drafts []*graph.Draft
	for _, g := range []*graph.Graph{keep, update} {
		d, err := graph.Prepare(g, dev.Info(), dev.Limits(), graph.Options{Forward: true})
		require.NoError(t, err)
		drafts = append(drafts, d)
	}
	require.NoError(t, store.Reserve(here.Plan, there.Plan, drafts[0].Plan, drafts[1].Plan))
	bind := func(d *graph.Draft) *graph.Program {
		p, err := d.Bind(store)
		require.NoError(t, err)
		return p
	}
	hereP, thereP, keepP, updateP := bind(here), bind(there), bind(drafts[0]), bind(drafts[1])
	table := noiseTable(1./64, -1./64, 1)
	want := runNoisy(t, hereP, hereEach, copies, table)
	require.NotEqual(t, want, runNoisy(t, thereP, thereEach, copies, table), "the anchor is zero at first")
	require.NoError(t, keepP.Run(context.Background()))
	require.Equal(t, want, runNoisy(t, thereP, thereEach, copies, table))
	require.NoError(t, updateP.Write(graph.ZOTable, table))
	require.NoError(t, updateP.Run(context.Background()))
	require.NotEqual(t, want, runNoisy(t, hereP, hereEach, copies, table))
	require.Equal(t, want, runNoisy(t, thereP, thereEach, copies, table))
	for name := range noisyOrder {
		require.True(t, store.Has(graph.AnchorPrefix+name))
	}
}
