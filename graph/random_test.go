package graph

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
)

const randomGraphs = 50

// LeafValues are the values of a leaf, f32 numbers that depend on its name alone: every device and every compilation starts alike.
func LeafValues(name string, s Sig) []float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(h.Sum64(), 3))
	out := make([]float64, s.Shape.Elems())
	for i := range out {
		v := float32(rng.NormFloat64() * 0.5)
		if s.DType == backend.BF16 {
			v = math.Float32frombits(math.Float32bits(v) &^ 0xffff)
		}
		out[i] = float64(v)
	}
	return out
}

// LeafSource is a Source of LeafValues.
func LeafSource(n *Node) ([]byte, error) {
	l := n.Leaf()
	if l.Of == "" {
		return Encode(n.DType, LeafValues(l.Name, n.Sig)), nil
	}
	x := LeafValues(l.Of, l.From)
	y := make([]float64, n.store())
	for j := range n.Shape[0] {
		for i := range n.Shape[1] {
			y[j*n.ld()+i] = x[i*n.Shape[0]+j]
		}
	}
	return Encode(n.DType, y), nil
}

// Encode makes the bytes of a storage type.
func Encode(t backend.DType, x []float64) []byte {
	var b []byte
	for _, v := range x {
		switch t {
		case backend.U32:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case backend.BF16:
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(float32(v))>>16))
		default:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	return b
}

// Poison fills the arenas with NaN: whatever reads memory that nothing wrote shows it.
func (s *Store) Poison() error {
	for i, b := range s.arenas {
		nan := make([]byte, s.sizes[i])
		for j := 0; j < len(nan); j += 4 {
			binary.LittleEndian.PutUint32(nan[j:], 0x7fc00000)
		}
		if err := s.dev.Write(b, nan); err != nil {
			return err
		}
	}
	return nil
}

// Start compiles r on dev, poisons the arenas, writes the inputs and runs two steps.
func (r *RandomGraph) Start(dev backend.Device, o Options) (*Store, *Program, error) {
	s := NewStore(dev, LeafSource)
	p, err := Compile(r.Graph, s, o)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range r.Leaves() {
		f := r.Fill[n.leaf.Name]
		if f == nil {
			continue
		}
		x := make([]float64, n.Shape.Elems())
		for i := range x {
			x[i] = f(i)
		}
		if err := p.Write(n.leaf.Name, Encode(n.DType, x)); err != nil {
			return nil, nil, err
		}
	}
	for range 2 {
		if err := s.Poison(); err != nil {
			return nil, nil, err
		}
		if err := p.Run(context.Background()); err != nil {
			return nil, nil, err
		}
	}
	return s, p, nil
}

// results are the outputs and everything that a step changes.
type results map[string][]float64

func runRandom(t *testing.T, n uint64, o Options) (results, *Program, *Store) {
	t.Helper()
	r := NewRandomGraph(New(), n, false)
	r.Train()
	require.NoError(t, r.Err())
	s, p, err := r.Start(ref.New(), o)
	require.NoError(t, err)
	got := results{}
	for i, n := range r.asked {
		got[fmt.Sprint("output ", i)] = append([]float64(nil), floats(p.Buffer(n))[:n.Shape.Elems()]...)
	}
	for _, k := range []Kind{Trainable, State} {
		for _, name := range s.Names(k) {
			got[name] = append([]float64(nil), floats(s.Buffers(name)[0])[:r.Find(name).Shape.Elems()]...)
		}
	}
	for name, x := range got {
		for i, v := range x {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%s[%d] is %g", name, i, v)
		}
	}
	return got, p, s
}

// near compares by the largest magnitude of each value; tol 0 wants the same bits.
func near(t *testing.T, want, got results, tol float64) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for name, w := range want {
		g, big := got[name], 0.0
		require.Len(t, g, len(w), name)
		for _, v := range w {
			big = max(big, math.Abs(v))
		}
		for i := range w {
			require.LessOrEqual(t, math.Abs(w[i]-g[i]), tol*big, "%s[%d]: %g and %g", name, i, w[i], g[i])
		}
	}
}

func skip(names ...string) Options {
	o := Options{Skip: map[string]bool{}}
	for _, n := range names {
		o.Skip[n] = true
	}
	return o
}

func eachGraph(t *testing.T, f func(t *testing.T, n uint64)) {
	for n := range uint64(randomGraphs) {
		t.Run(fmt.Sprint(n), func(t *testing.T) { f(t, n) })
	}
}

// Passes change how a step is computed and not what.
func TestMetaPasses(t *testing.T) {
	eachGraph(t, func(t *testing.T, n uint64) {
		want, _, _ := runRandom(t, n, skip("dead", "common", "fuse", "transpose", "dead again", "schedule"))
		all := Options{}
		for _, o := range []Options{all, skip("dead"), skip("common"), skip("fuse"), skip("transpose"), skip("schedule"),
			skip("fuse", "transpose", "common")} {
			got, _, _ := runRandom(t, n, o)
			near(t, want, got, 1e-12)
		}
	})
}

// Memory that is shared by the plan gives the same bits as memory of one's own, and what was planned is what is allocated.
func TestMetaPlan(t *testing.T) {
	eachGraph(t, func(t *testing.T, n uint64) {
		for _, recompute := range []bool{false, true} {
			want, _, _ := runRandom(t, n, Options{Unplanned: true, Recompute: recompute})
			got, p, s := runRandom(t, n, Options{Recompute: recompute})
			near(t, want, got, 0)
			bytes, _ := s.Device().Allocated()
			require.Equal(t, p.Plan.Total(), bytes)
			checkPlan(t, p.Plan)
		}
	})
}

// checkPlan verifies that no two storages alive at one command share a byte, and that arenas are as large as what lies in them.
func checkPlan(t *testing.T, p *Plan) {
	ends := make([]int64, len(p.Arenas))
	persistent := int64(0)
	for i, a := range p.Items {
		if a.Arena < 0 {
			persistent += a.Bytes
			continue
		}
		require.Zero(t, a.Offset%align)
		require.LessOrEqual(t, a.First, a.Last)
		ends[a.Arena] = max(ends[a.Arena], a.Offset+a.Bytes)
		for _, b := range p.Items[i+1:] {
			if a.Arena != b.Arena || a.Last < b.First || b.Last < a.First {
				continue
			}
			require.False(t, a.Offset < b.Offset+b.Bytes && b.Offset < a.Offset+a.Bytes, "%+v and %+v overlap", a, b)
		}
	}
	require.Equal(t, append([]int64{}, p.Arenas...), append([]int64{}, ends...))
	require.Equal(t, p.Total(), persistent+p.ArenaBytes())
}

// Values that are computed again are the values that would have been kept, dropout included.
func TestMetaRecompute(t *testing.T) {
	eachGraph(t, func(t *testing.T, n uint64) {
		want, _, _ := runRandom(t, n, Options{})
		got, _, _ := runRandom(t, n, Options{Recompute: true})
		near(t, want, got, 1e-12)
		got, _, _ = runRandom(t, n, Options{Recompute: true, Skip: map[string]bool{"fuse": true, "transpose": true}})
		near(t, want, got, 1e-12)
	})
}

// Whole random graphs, fused, have the gradients that central differences give.
func TestGradRandom(t *testing.T) {
	for n := range uint64(4) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			for _, recompute := range []bool{false, true} {
				fill := map[string]func(int) float64{}
				checkGrad(t, gradCase{"random", func(g *Graph) *Node {
					r := NewRandomGraph(g, 100+n, true)
					maps.Copy(fill, r.Fill)
					return r.Loss
				}, fill}, Options{Recompute: recompute})
			}
		})
	}
}

// Results are the outputs of r, as Train asked for them.
func (r *RandomGraph) Results() []*Node { return r.asked }
