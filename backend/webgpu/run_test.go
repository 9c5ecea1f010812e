package webgpu

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

// 200 dispatches in one recording, each reading what the one before wrote: the library must order them.
func TestChain(t *testing.T) {
	d := openTest(t)
	for _, n := range []int{64, 60000, bigBuffer / 2} {
		for _, separate := range []bool{false, true} { // two buffers in turn, or a new range of the arena for each
			if separate && n > 60000 {
				continue
			}
			bufs := []backend.Buffer{alloc(t, d, n), alloc(t, d, n)}
			r := &backend.Recording{}
			for i := range 200 {
				if separate && i > 0 {
					bufs = append(bufs, alloc(t, d, n))
				}
				x, y := bufs[i%2], bufs[(i+1)%2]
				if separate {
					x, y = bufs[i], bufs[i+1]
				}
				scale(t, r, x, y, []float64{2, -0.5}[i%2])
			}
			require.NoError(t, d.Write(bufs[0], floats(ramp(n)...)))
			require.NoError(t, d.Run(ctx, r))
			last := bufs[0]
			if separate {
				last = bufs[200]
			}
			require.Equal(t, ramp(n), read(t, d, last), "n = %d", n) // (2 * -0.5)^100
			for _, b := range bufs {
				d.Free(b)
			}
			d.Forget(r)
		}
	}
}

// The step loop makes nothing on the device: the counters of a thousand steps stand still, and so do the library's own.
func TestReplayAllocatesNothing(t *testing.T) {
	d := openTest(t)
	x, y := alloc(t, d, 1000), alloc(t, d, 1000)
	r := &backend.Recording{}
	for i := range 10 {
		scale(t, r, x, y, float64(i%3))
	}
	step := func() {
		require.NoError(t, d.Write(x, floats(ramp(1000)...)))
		require.NoError(t, d.Run(ctx, r))
		read(t, d, y)
	}
	step()
	before, live := d.Stats(), d.gpu.live()
	require.Equal(t, 1, before.Pipelines)
	require.Equal(t, 1, before.BindGroups) // one pair of buffers; the factors are in uniform slots
	require.NotZero(t, live["buffers"])
	for range 1000 {
		step()
	}
	after := d.Stats()
	require.Equal(t, before.Dispatches+10000, after.Dispatches)
	before.Submits, before.Dispatches = after.Submits, after.Dispatches
	require.Equal(t, before, after)
	require.Equal(t, live, d.gpu.live())
}

func TestForget(t *testing.T) {
	d := openTest(t)
	x, y := alloc(t, d, 64), alloc(t, d, 64)
	for i := range 20 {
		r := &backend.Recording{}
		scale(t, r, x, y, float64(i))
		require.NoError(t, d.Run(ctx, r))
		require.NoError(t, d.Run(ctx, r))
		d.Forget(r)
		d.Forget(r)
		require.Empty(t, d.groups)
		require.Empty(t, d.uniforms.byText)
	}
	require.Len(t, d.uniforms.pages, 1)
	r := &backend.Recording{}
	scale(t, r, x, y, 1)
	require.NoError(t, d.Run(ctx, r))
	scale(t, r, x, y, 3) // a recording that grew is prepared again
	require.NoError(t, d.Write(x, floats(ramp(64)...)))
	require.NoError(t, d.Run(ctx, r))
	require.Equal(t, 3*ramp(64)[0], read(t, d, y)[0])
}

func TestFreedBufferInRecording(t *testing.T) {
	d := openTest(t)
	for _, n := range []int{64, bigBuffer} {
		x, y := alloc(t, d, n), alloc(t, d, n)
		r := &backend.Recording{}
		scale(t, r, x, y, 2)
		require.NoError(t, d.Run(ctx, r))
		d.Free(x)
		err := d.Run(ctx, r)
		require.ErrorContains(t, err, "freed")
		require.ErrorContains(t, err, "scale.wgsl")
		d.Free(y)
	}
	require.NoError(t, d.Wait(ctx))
	require.Zero(t, len(d.mem.big))
}

func TestSubmitsAreCut(t *testing.T) {
	d := openTest(t)
	x, y := alloc(t, d, 64), alloc(t, d, 64)
	r := &backend.Recording{}
	for range 200 {
		scale(t, r, x, y, 2)
	}
	require.NoError(t, d.Run(ctx, r))
	require.NoError(t, d.Wait(ctx))
	s := d.Stats().Submits
	require.NoError(t, d.Run(ctx, r))
	require.Equal(t, s+4, d.Stats().Submits) // 64 at most

	r = &backend.Recording{}
	for range 6 {
		scale(t, r, x, y, 2)
		r.Dispatches[len(r.Dispatches)-1].Flops = d.queue.rate * 100 // far above the target, whatever the rate learns on the way
	}
	s = d.Stats().Submits
	require.NoError(t, d.Run(ctx, r))
	require.Equal(t, s+6, d.Stats().Submits)
	require.LessOrEqual(t, len(d.queue.running), inFlight)
}

// Long work: the rate is learnt and no submit is far above the target.
func TestRateIsLearnt(t *testing.T) {
	d := openTest(t)
	x := alloc(t, d, 1<<18)
	r := &backend.Recording{}
	k := spin(500)
	for range 30 {
		require.NoError(t, r.Add(k, backend.Grid(512), backend.Args{"x": x}, nil, "spin", 2*500*512*64))
	}
	require.NoError(t, d.Run(ctx, r))
	require.NoError(t, d.Wait(ctx))
	d.queue.maxSubmit = 0
	start := time.Now()
	require.NoError(t, d.Run(ctx, r))
	require.NoError(t, d.Wait(ctx))
	t.Logf("rate %.2g flops/s, longest submit %v of %v", d.queue.rate, d.queue.maxSubmit, time.Since(start))
	require.NotEqual(t, startRates[d.Info().Class], d.queue.rate)
	require.Less(t, d.queue.maxSubmit, 10*submitTarget)
}

func TestProfile(t *testing.T) {
	d := openTest(t)
	x := alloc(t, d, 1<<18)
	r := &backend.Recording{}
	for _, n := range []int{10, 4000} {
		require.NoError(t, r.Add(spin(n), backend.Grid(512), backend.Args{"x": x}, nil, "spin", 1))
	}
	require.NoError(t, d.Run(ctx, r))
	ts, err := d.Profile(ctx, r, nil)
	require.NoError(t, err)
	t.Log(ts)
	require.Len(t, ts, 2)
	require.Greater(t, ts[1], ts[0])
	require.Positive(t, ts[1])
}

func TestCancel(t *testing.T) {
	d := openTest(t)
	x := alloc(t, d, 1<<18)
	r := &backend.Recording{}
	k := spin(20000)
	for range 30 {
		require.NoError(t, r.Add(k, backend.Grid(512), backend.Args{"x": x}, nil, "spin", d.queue.rate))
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, d.Run(done, r), context.Canceled)
	require.Zero(t, d.Stats().Dispatches)

	short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	err := d.Run(short, r)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, d.Stats().Dispatches, 30)

	f, err := d.Fetch(x)
	require.NoError(t, err)
	start := time.Now()
	_, err = f.Wait(done)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(start), 100*time.Millisecond)
	_, err = f.Wait(ctx)
	require.ErrorContains(t, err, "once")
	n := d.Stats().Buffers
	require.NoError(t, d.Wait(ctx))
	got := read(t, d, x)
	require.NotZero(t, got[0])
	require.Equal(t, n, d.Stats().Buffers) // the buffer of the dropped readback serves again
}

// spin is a kernel that takes n dependent multiply-adds a thread, n < 65536 (see TestSoftwareLoopLimit).
func spin(n int) *shaders.Kernel {
	k := handmade("spin", `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) g: vec3<u32>) {
  var v = f32(g.x) * 0.001;
  for (var i = 0u; i < `+itoa(n)+`u; i += 1u) { v = v * 0.999 + 0.5; }
  x[g.x % arrayLength(&x)] = v;
}
`, 1)
	k.Key += itoa(n)
	return k
}
