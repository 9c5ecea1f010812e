package webgpu

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

// BenchmarkDispatch is the cost of one small dispatch within a replayed recording of 200.
func BenchmarkDispatch(b *testing.B) {
	d, err := Open(os.Getenv("LUTHIER_DEVICE"), Options{})
	if err != nil {
		b.Skip(err)
	}
	defer d.Close()
	k, err := shaders.Load("scale", shaders.Consts{"WG": 8})
	require.NoError(b, err)
	x, err := d.Alloc(64, backend.F32)
	require.NoError(b, err)
	r := &backend.Recording{}
	for range 200 {
		require.NoError(b, r.Add(k, backend.Grid(2), backend.Args{"x": x, "y": x}, backend.U{"n4": 16, "c": 1.0}, "scale", 64))
	}
	require.NoError(b, d.Run(ctx, r))
	require.NoError(b, d.Wait(ctx))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Run(ctx, r); err != nil {
			b.Fatal(err)
		}
		if err := d.Wait(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/dispatch")
}

// BenchmarkRead4 is one readback of a word: a copy, a submit and the wait.
func BenchmarkRead4(b *testing.B) {
	d, err := Open(os.Getenv("LUTHIER_DEVICE"), Options{})
	if err != nil {
		b.Skip(err)
	}
	defer d.Close()
	x, err := d.Alloc(1, backend.F32)
	require.NoError(b, err)
	for b.Loop() {
		if _, err := backend.Read(ctx, d, x); err != nil {
			b.Fatal(err)
		}
	}
}
