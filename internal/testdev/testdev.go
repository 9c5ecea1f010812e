// Package testdev opens what tests run on: the adapter, and Python where there is one.
package testdev

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/webgpu"
)

// Open opens the adapter that LUTHIER_DEVICE names, or the best, for the length of the test. Where there is none the test is skipped with
// the reason; with REQUIRE_GPU=1 it fails.
func Open(t testing.TB, o webgpu.Options) *webgpu.Device {
	t.Helper()
	sel := os.Getenv("LUTHIER_DEVICE")
	if sel == "" {
		sel = "auto"
	}
	dev, err := webgpu.Open(sel, o)
	if errors.Is(err, backend.ErrNoAdapter) && os.Getenv("REQUIRE_GPU") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, dev.Close()) })
	return dev
}
