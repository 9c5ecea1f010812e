package parity

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
	"luthier/backend/webgpu"
	"luthier/internal/testdev"
	"luthier/shaders"
)

// Every case of every kernel agrees with float64 on this adapter.
func TestParity(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	t.Logf("%s (%s)", dev.Info().Name, dev.Info().Class)
	for _, kernel := range Kernels() {
		t.Run(kernel, func(t *testing.T) {
			for _, c := range Cases(kernel) {
				r, err := Run(context.Background(), dev, c)
				if err != nil {
					t.Errorf("%v %s: %v", c.Consts, c.Name, err)
				} else if !r.Ok() {
					t.Errorf("%v %s: %s differs by %.3g of its largest, tolerance %.3g", c.Consts, c.Name, r.Output, r.Err, r.Tol)
				}
			}
		})
	}
}

// Every kernel file has a reference, and every instance that it declares has a case.
func TestEveryInstanceHasCase(t *testing.T) {
	for _, kernel := range shaders.Names() {
		t.Run(kernel, func(t *testing.T) {
			k, err := shaders.Load(kernel, nil)
			require.NoError(t, err)
			require.True(t, ref.Has(k.Contract), "backend/ref/%s.go: no reference", k.Contract)
			tried := []map[string]int{}
			for _, c := range Cases(kernel) {
				k, err := shaders.Load(kernel, c.Consts)
				require.NoError(t, err, c.Name)
				tried = append(tried, k.Consts)
			}
			all, err := shaders.Instances(kernel)
			require.NoError(t, err)
			for _, c := range all {
				k, err := shaders.Load(kernel, c)
				require.NoError(t, err)
				require.Contains(t, tried, k.Consts, "internal/parity/%s.go: no case of instance %v", kernel, c)
			}
		})
	}
}
