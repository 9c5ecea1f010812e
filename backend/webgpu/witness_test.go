package webgpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
)

// With a witness everything reads back as without, and a submit that was given out as done and did not run is found at the next readback.
func TestWitness(t *testing.T) {
	d := openTest(t, Options{Witness: true})
	for _, n := range []int{1, 3, 64, 1000, 1 << 18, 1<<18 + 1, bigBuffer/4 + 5} {
		x, y := alloc(t, d, n), alloc(t, d, n)
		r := &backend.Recording{}
		for range 5 {
			scale(t, r, x, y, 2)
		}
		require.NoError(t, d.Write(x, floats(ramp(n)...)))
		before := d.Stats()
		for range 3 {
			require.NoError(t, d.Run(ctx, r))
		}
		require.Equal(t, before.Dispatches+15, d.Stats().Dispatches, "the witness's own do not count")
		first, err := d.Fetch(y)
		require.NoError(t, err)
		require.NoError(t, d.Run(ctx, r)) // what comes after a Fetch is none of its business
		raw, err := first.Wait(ctx)
		require.NoError(t, err)
		require.Len(t, raw, 4*n)
		for i, v := range ramp(n) {
			if got := read(t, d, y)[i]; got != 2*v || i > 3 {
				require.Equal(t, 2*v, got)
				break
			}
		}
		d.Free(x)
		d.Free(y)
		d.Forget(r)
	}

	x := alloc(t, d, 8)
	d.witness.sent++ // as if the system had stopped a submit
	_, err := backend.Read(ctx, d, x)
	require.ErrorIs(t, err, backend.ErrDeviceLost)
	require.ErrorContains(t, err, "came to their end")
	require.ErrorIs(t, d.Write(x, floats(1)), backend.ErrDeviceLost)
}
