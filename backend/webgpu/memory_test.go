package webgpu

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/internal/memlimit"
)

func TestAllocReuseIsZero(t *testing.T) {
	d := openTest(t)
	for _, n := range []int{1, 5, 63, 64, 65, 4097, bigBuffer/4 - 1, bigBuffer / 4, bigBuffer/4 + 1} {
		for round := range 3 {
			b := alloc(t, d, n)
			require.Equal(t, make([]float32, n), read(t, d, b), "n = %d, round %d", n, round)
			require.NoError(t, d.Write(b, bytes.Repeat([]byte{0xff}, 4*n)))
			d.Free(b)
			d.Free(b) // no harm
		}
	}
	n, c := d.Allocated()
	require.Zero(t, n)
	require.Zero(t, c)
}

// A range that is freed, handed out, written and read before anything was submitted must hold what was written.
func TestReuseThenWrite(t *testing.T) {
	d := openTest(t)
	a, b := alloc(t, d, 100), alloc(t, d, 100)
	require.NoError(t, d.Write(a, floats(ramp(100)...)))
	require.NoError(t, d.Write(b, floats(ramp(100)...)))
	d.Free(a)
	c := alloc(t, d, 90)
	require.NoError(t, d.Write(c, floats(1, 2, 3)))
	require.Equal(t, []float32{1, 2, 3, 0}, read(t, d, c)[:4])
	require.Equal(t, ramp(100), read(t, d, b))
}

// Many sizes in and out, with their contents held against a host copy.
func TestArenaStress(t *testing.T) {
	d := openTest(t)
	type live struct {
		b backend.Buffer
		v float32
	}
	var all []live
	seed := uint32(1)
	rnd := func(n int) int {
		seed = seed*1664525 + 1013904223
		return int(seed>>8) % n
	}
	for i := range 600 {
		if len(all) > 40 || len(all) > 0 && rnd(3) == 0 {
			j := rnd(len(all))
			for _, x := range read(t, d, all[j].b) {
				if x != all[j].v {
					t.Fatalf("step %d: %v in a buffer of %v", i, x, all[j].v)
				}
			}
			d.Free(all[j].b)
			all = append(all[:j], all[j+1:]...)
			continue
		}
		n := 1 + rnd(200000)
		b := alloc(t, d, n)
		v := float32(i + 1)
		xs := make([]float32, n)
		for k := range xs {
			xs[k] = v
		}
		require.NoError(t, d.Write(b, floats(xs...)))
		all = append(all, live{b, v})
	}
	want := int64(0)
	for _, a := range all {
		want += int64(4 * a.b.Elems())
	}
	n, c := d.Allocated()
	require.Equal(t, want, n)
	require.Equal(t, len(all), c)
	for _, a := range all {
		d.Free(a.b)
	}
	require.LessOrEqual(t, len(d.mem.arenas), 1)
	for _, a := range d.mem.arenas {
		require.True(t, a.empty())
	}
}

func TestLimits(t *testing.T) {
	d := openTest(t)
	l := d.Limits()
	require.GreaterOrEqual(t, l.MaxBinding, int64(128<<20))
	require.GreaterOrEqual(t, l.Storage, uint32(8))
	_, err := d.Alloc(int(l.MaxBinding/4)+1, backend.F32)
	var le *backend.LimitError
	require.ErrorAs(t, err, &le)
	require.Equal(t, l.MaxBinding, le.Have)
	_, err = d.Alloc(-1, backend.F32)
	require.Error(t, err)
	b, err := d.Alloc(0, backend.F32)
	require.NoError(t, err)
	require.Empty(t, read(t, d, b))

	small := openTest(t, Options{MaxBinding: 4096})
	_, err = small.Alloc(1024, backend.F32)
	require.NoError(t, err)
	_, err = small.Alloc(1025, backend.F32)
	require.ErrorAs(t, err, &le)
}

func TestViews(t *testing.T) {
	d := openTest(t)
	for _, n := range []int{512, bigBuffer} { // in an arena and on its own
		b := alloc(t, d, n)
		require.NoError(t, d.Write(b, floats(ramp(n)...)))
		v, err := d.View(b, 128, 100, backend.F32)
		require.NoError(t, err)
		require.Equal(t, ramp(n)[128:228], read(t, d, v))
		w, err := d.View(v, 64, 30, backend.F32)
		require.NoError(t, err)
		require.Equal(t, ramp(n)[192:222], read(t, d, w))
		r := &backend.Recording{}
		scale(t, r, v, v, 2)
		require.NoError(t, d.Run(ctx, r))
		require.Equal(t, ramp(n)[127], read(t, d, b)[127])
		require.Equal(t, 2*ramp(n)[128], read(t, d, b)[128])
		require.Equal(t, ramp(n)[228], read(t, d, b)[228])
		for _, bad := range [][2]int{{1, 4}, {-64, 4}, {0, n + 1}, {64, n}, {n, 64}} {
			_, err := d.View(b, bad[0], bad[1], backend.F32)
			require.Error(t, err, bad)
		}
		d.Free(v) // a view is not freed
		require.Equal(t, ramp(n)[3], read(t, d, b)[3])
		d.Free(b)
		_, err = d.View(b, 0, 1, backend.F32)
		require.ErrorContains(t, err, "freed")
		require.ErrorContains(t, d.Write(v, floats(1)), "freed")
	}
}

func TestWrongBuffers(t *testing.T) {
	d := openTest(t)
	b := alloc(t, d, 4)
	require.ErrorContains(t, d.Write(b, make([]byte, 17)), "17 bytes into a buffer of 16")
	other, err := ref.New().Alloc(4, backend.F32)
	require.NoError(t, err)
	require.ErrorContains(t, d.Write(other, nil), "another device")
	_, err = d.Fetch(other)
	require.ErrorContains(t, err, "another device")
	d.Free(other)
	d2 := openTest(t)
	require.ErrorContains(t, d2.Write(b, nil), "another device")
}

func TestMemoryLimit(t *testing.T) {
	d := openTest(t, Options{MemoryLimit: 64 << 20})
	b, err := d.Alloc(8<<20, backend.F32)
	require.NoError(t, err)
	_, err = d.Alloc(12<<20, backend.F32)
	require.ErrorIs(t, err, backend.ErrOutOfMemory)
	d.Free(b)
	_, err = d.Alloc(12<<20, backend.F32)
	require.NoError(t, err)
}

// The driver's own refusal must come back as ErrOutOfMemory; the library's default is to abort the process. A child with little
// address space left provokes it.
func TestDriverOutOfMemory(t *testing.T) {
	if os.Getenv("LUTHIER_TEST_OOM") == "1" {
		d := openTest(t)
		if d.Info().Class != backend.Software || !memlimit.Address(400<<20) {
			t.Skip("no way to run short of memory here")
		}
		for range 40 {
			b, err := d.Alloc(16<<20, backend.F32)
			if err != nil {
				require.ErrorIs(t, err, backend.ErrOutOfMemory)
				t.Log("refused: ", err)
				return
			}
			require.NoError(t, d.Write(b, floats(1)))
		}
		t.Fatal("40 buffers of 64 MiB fitted in 400 MiB")
	}
	openTest(t)
	out, err := child(t, "TestDriverOutOfMemory", "LUTHIER_TEST_OOM=1")
	require.NoError(t, err, out)
	t.Log(out)
}

// child runs one test of this binary in a process of its own.
func child(t *testing.T, test string, env ...string) (string, error) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe, "-test.run=^"+test+"$", "-test.v")
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), err
}

// What Free gives back, the driver has again by the next Wait or Alloc.
func TestFreeReturnsMemory(t *testing.T) {
	d := openTest(t)
	require.NoError(t, d.Wait(ctx))
	before := d.gpu.live()["buffers"]
	var bs []backend.Buffer
	for range 3 {
		b := alloc(t, d, bigBuffer)
		require.NoError(t, d.Write(b, make([]byte, 4*bigBuffer)))
		r := &backend.Recording{}
		scale(t, r, b, b, 2)
		require.NoError(t, d.Run(ctx, r))
		bs = append(bs, b)
	}
	for _, b := range bs {
		d.Free(b)
	}
	require.NoError(t, d.Wait(ctx))
	require.Equal(t, before+1, d.gpu.live()["buffers"]) // the page of uniforms stays
}

// A binding of all that a driver with a limit of 2^31 - 1 allows is read back through a buffer that it allows too.
func TestReadbackOfTheLargest(t *testing.T) {
	const most = 1<<31 - 1
	for n, want := range map[int64]int64{1: 1 << 10, 5000: 8 << 10, 1 << 20: 1 << 20, 1<<20 + 4: 2 << 20, most / 256 * 256: most / 16 * 16, most/256*256 - 4096: most / 16 * 16} {
		require.Equal(t, want, sizeClass(n, most), n)
		require.GreaterOrEqual(t, sizeClass(n, most), n)
	}
}
