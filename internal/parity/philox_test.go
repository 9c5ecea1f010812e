package parity

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/internal/testdev"
	"luthier/shaders"
)

// The WGSL of Philox gives the words that the reference gives, which TestPaperPhilox holds against Random123: zeros, ones, digits of pi,
// and counters such as dropout has. Dropout itself shows words only against a threshold.
func TestParityPhilox(t *testing.T) {
	part, err := shaders.Text("shared/philox")
	require.NoError(t, err)
	k := &shaders.Kernel{Name: "philox_test", Key: "philox_test", Workgroup: [3]uint32{8, 1, 1},
		Bindings: []shaders.Binding{{Name: "x", Elem: "vec4<u32>", Stride: 16}, {Name: "y", Index: 1, Write: true, Elem: "vec4<u32>", Stride: 16}},
		Uniform:  []shaders.Field{{Name: "n"}}, UniformAt: 2,
		Source: part + strings.TrimSpace(`
struct P { n: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<u32>>;
@group(0) @binding(2) var<uniform> p: P;
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) g: vec3<u32>) {
  if (g.x < p.n) { y[g.x] = philox(x[2u * g.x], x[2u * g.x + 1u].xy); }
}`)}
	in := []uint32{}
	for _, w := range []uint32{0, 0xffffffff} {
		in = append(in, w, w, w, w, w, w, 0, 0)
	}
	in = append(in, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0, 0)
	for i := range uint32(61) {
		in = append(in, i*0x10001, i<<28, 7, 0x80000000|i, 0x9e3779b9*i, ^i, 0, 0)
	}
	n := len(in) / 8
	want := []uint32{}
	for i := range n {
		w := ref.Philox([4]uint32(in[8*i:]), [2]uint32(in[8*i+4:]))
		want = append(want, w[:]...)
	}

	dev, ctx := testdev.Open(t, webgpu.Options{}), context.Background()
	x, err := dev.Alloc(len(in), backend.U32)
	require.NoError(t, err)
	y, err := dev.Alloc(4*n, backend.U32)
	require.NoError(t, err)
	require.NoError(t, dev.Write(x, words(in)))
	rec := &backend.Recording{}
	require.NoError(t, rec.Add(k, backend.Grid((n+7)/8), backend.Args{"x": x, "y": y}, backend.U{"n": n}, "philox", 0))
	require.NoError(t, dev.Run(ctx, rec))
	got, err := backend.Read(ctx, dev, y)
	require.NoError(t, err)
	require.Equal(t, words(want), got)
}

// words are the bytes of u32 numbers.
func words(v []uint32) []byte {
	return encode("", Arg{Elems: len(v), DType: backend.U32, Fill: func(i int) float64 { return float64(v[i]) }})
}
