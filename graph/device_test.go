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

// step runs two steps of random graph n and returns what they leave: outputs, trainable weights, states.
func step(t *testing.T, dev backend.Device, n uint64, o graph.Options) map[string][]float64 {
	t.Helper()
	r := graph.NewRandomGraph(graph.New(), n, true)
	r.Train()
	require.NoError(t, r.Err())
	store, p, err := r.Start(dev, o)
	require.NoError(t, err)
	defer store.Close()
	out := map[string][]float64{}
	for i, node := range r.Results() {
		raw, err := p.Read(context.Background(), node)
		require.NoError(t, err)
		out[fmt.Sprint("output ", i)] = decode(raw)
	}
	for _, k := range []graph.Kind{graph.Trainable, graph.State} {
		for _, name := range store.Names(k) {
			raw, err := store.Read(context.Background(), name)
			require.NoError(t, err)
			out[name] = decode(raw)
		}
	}
	bytes, _ := dev.Allocated()
	require.Equal(t, p.Plan.Total(), bytes, "planned and allocated bytes")
	return out
}

func decode(raw []byte) []float64 {
	out := make([]float64, len(raw)/4)
	for i := range out {
		out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
	}
	return out
}

// tolerance bounds the difference of two steps in f32 from float64, relative to the largest magnitude of each value. Most graphs stay
// within 4e-5; what goes through several norms of nearly equal numbers loses more.
const tolerance = 1e-4

// floor is a magnitude below which a value is rounding: a key's bias has no gradient, and f32 finds some 1e-9 of one.
const floor = 1e-4

// Random training steps, their arenas poisoned with NaN, come out on the adapter as they do in float64, with memory as planned.
func TestMetaDevice(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	t.Logf("%s (%s)", dev.Info().Name, dev.Info().Class)
	sweep(t, dev, ref.New(), 24)
}

// The kernels and the graph that a GPU would get, on whatever adapter is here.
func TestMetaDeviceAsGPU(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	sweep(t, as{dev, backend.OtherGPU}, as{ref.New(), backend.OtherGPU}, 12)
}

// as is a device that says it is of another class.
type as struct {
	backend.Device
	class backend.Class
}

func (d as) Info() backend.Info {
	i := d.Device.Info()
	i.Class = d.class
	return i
}

// sweep compares the first graphs on dev with the reference.
func sweep(t *testing.T, dev, oracle backend.Device, graphs uint64) {
	worst := 0.0
	for n := range graphs {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			o := graph.Options{Recompute: n%3 == 1}
			if n%4 == 3 {
				o.Skip = map[string]bool{"fuse": true, "transpose": true}
			}
			want, got := step(t, oracle, n, o), step(t, dev, n, o)
			require.Len(t, got, len(want))
			for name, w := range want {
				require.Len(t, got[name], len(w), name)
				big, diff := floor, 0.0
				for i, v := range w {
					big = math.Max(big, math.Abs(v))
					if d := math.Abs(v - got[name][i]); d > diff || math.IsNaN(d) {
						diff = d
					}
				}
				worst = math.Max(worst, diff/big)
				if !(diff <= tolerance*big) {
					t.Errorf("%s differs by %.3g of its largest, %.3g", name, diff/big, big)
				}
			}
		})
	}
	t.Logf("largest difference: %.3g", worst)
}
