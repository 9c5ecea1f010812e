package ref

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

// bufs are the buffers of one dispatch by binding, all 64 bits of them.
type bufs map[string][]float64

// launch runs one kernel and leaves what it wrote in b.
func launch(t *testing.T, kernel string, c shaders.Consts, batches int, u backend.U, b bufs) {
	t.Helper()
	k, err := shaders.Load(kernel, c)
	require.NoError(t, err)
	d, args := New(), backend.Args{}
	for _, x := range k.Bindings {
		dtype := backend.F32
		if x.Elem == "u32" {
			dtype = backend.U32
		}
		buf, err := d.Alloc(len(b[x.Name]), dtype)
		require.NoError(t, err)
		copy(buf.(*Buffer).Floats(), b[x.Name])
		args[x.Name] = buf
	}
	r := &backend.Recording{}
	require.NoError(t, r.Add(k, [3]uint32{1, uint32(batches), 1}, args, u, kernel, 0))
	require.NoError(t, d.Run(context.Background(), r))
	for name, buf := range args {
		copy(b[name], buf.(*Buffer).Floats())
	}
}

// slope is the gradient of f by x, by central differences.
func slope(x []float64, f func() float64) []float64 {
	const h = 1e-5
	g := make([]float64, len(x))
	for i, v := range x {
		x[i] = v + h
		up := f()
		x[i] = v - h
		g[i] = (up - f()) / (2 * h)
		x[i] = v
	}
	return g
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// numbers are n numbers of both signs from the seed on, none near 0.
func numbers(n, seed int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64((i+seed)*(i+seed)*7%23)/10 - 1.13
	}
	return x
}
