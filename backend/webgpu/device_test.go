package webgpu

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/shaders"
)

var ctx = context.Background()

// openTest opens an adapter, or skips the test where there is none; with REQUIRE_GPU=1 it fails instead. Closing it at the end of the
// test also holds that the library has no object left.
func openTest(t *testing.T, o ...Options) *Device {
	t.Helper()
	opts := Options{}
	if len(o) > 0 {
		opts = o[0]
	}
	sel := os.Getenv("LUTHIER_DEVICE")
	d, err := Open(sel, opts)
	if errors.Is(err, backend.ErrNoAdapter) && os.Getenv("REQUIRE_GPU") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func floats(xs ...float32) []byte {
	b := make([]byte, 4*len(xs))
	for i, x := range xs {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}

func toFloats(b []byte) []float32 {
	xs := make([]float32, len(b)/4)
	for i := range xs {
		xs[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return xs
}

func ramp(n int) []float32 {
	xs := make([]float32, n)
	for i := range xs {
		xs[i] = float32(i%97) - 48
	}
	return xs
}

func alloc(t *testing.T, d backend.Device, n int) backend.Buffer {
	t.Helper()
	b, err := d.Alloc(n, backend.F32)
	require.NoError(t, err)
	return b
}

func scale(t *testing.T, r *backend.Recording, x, y backend.Buffer, c float64) {
	t.Helper()
	k, err := shaders.Load("scale", shaders.Consts{"WG": 8})
	require.NoError(t, err)
	n4 := (x.Elems() + 3) / 4
	require.NoError(t, r.Add(k, backend.Grid((n4+7)/8), backend.Args{"x": x, "y": y}, backend.U{"n4": n4, "c": c}, "scale", float64(x.Elems())))
}

func read(t *testing.T, d backend.Device, b backend.Buffer) []float32 {
	t.Helper()
	p, err := backend.Read(ctx, d, b)
	require.NoError(t, err)
	return toFloats(p)
}

func TestScaleParity(t *testing.T) {
	d, o := openTest(t), ref.New()
	t.Logf("%+v %+v", d.Info(), d.Limits())
	for _, n := range []int{1, 3, 4, 31, 64, 1000, 262143, 262145, 1 << 20} {
		out := [][]float32{}
		for i, dev := range []backend.Device{d, o} {
			size := []int{n, (n + 3) / 4 * 4}[i] // the reference has no padding to hide in
			x, y := alloc(t, dev, size), alloc(t, dev, size)
			require.NoError(t, dev.Write(x, floats(ramp(n)...)))
			r := &backend.Recording{}
			scale(t, r, x, y, 1.5)
			require.NoError(t, dev.Run(ctx, r))
			out = append(out, read(t, dev, y)[:n])
			dev.Free(x)
			dev.Free(y)
		}
		require.Equal(t, out[1], out[0], "n = %d", n)
	}
}

// The largest binding there is, up to 128 MiB: its last element and a grid in two dimensions.
func TestLargestBinding(t *testing.T) {
	d := openTest(t)
	n := int(min(d.Limits().MaxBinding, 128<<20) / 4)
	x := alloc(t, d, n)
	tail, err := d.View(x, n-64, 64, backend.F32)
	require.NoError(t, err)
	require.NoError(t, d.Write(tail, floats(ramp(64)...)))
	r := &backend.Recording{}
	scale(t, r, x, x, 3)
	require.EqualValues(t, 32768, r.Dispatches[0].Groups[0])
	require.Greater(t, r.Dispatches[0].Groups[1], uint32(1))
	require.NoError(t, d.Run(ctx, r))
	got := read(t, d, tail)
	for i, v := range ramp(64) {
		require.Equal(t, 3*v, got[i])
	}
}

func TestPackedTypes(t *testing.T) {
	d := openTest(t)
	b, err := d.Alloc(6, backend.BF16)
	require.NoError(t, err)
	n, _ := d.Allocated()
	require.EqualValues(t, 12, n)
	require.NoError(t, d.Write(b, []byte{1, 2, 3, 4, 5, 6})) // three elements: the second word is filled with zeros
	p, err := backend.Read(ctx, d, b)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0}, p)
	u, err := d.Alloc(2, backend.U32)
	require.NoError(t, err)
	require.NoError(t, d.Write(u, []byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}))
	p, err = backend.Read(ctx, d, u)
	require.NoError(t, err)
	require.Equal(t, []byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}, p)
}
