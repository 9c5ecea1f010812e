package webgpu

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

func itoa(n int) string { return strconv.Itoa(n) }

// handmade is a kernel that no file holds, with storage buffers x, y, ... at bindings 0, 1, ...
func handmade(name, source string, buffers int) *shaders.Kernel {
	k := &shaders.Kernel{Name: name, Contract: name, Key: name, Source: source, Workgroup: [3]uint32{64, 1, 1}}
	for i := range buffers {
		k.Bindings = append(k.Bindings, shaders.Binding{Name: string(rune('x' + i)), Index: uint32(i), Write: true, Elem: "f32", Stride: 4})
	}
	return k
}

func TestBadKernels(t *testing.T) {
	d := openTest(t)
	x := alloc(t, d, 64)
	head := "@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n@compute @workgroup_size(64) fn main() {"
	tooMany := handmade("many", head+"}", 1)
	tooMany.Workgroup = [3]uint32{1 << 20, 1, 1}
	wrongBindings := handmade("bindings", "@group(0) @binding(3) var<storage, read_write> x: array<f32>;\n@compute @workgroup_size(64) fn main() { x[0] = 1.0; }", 1)
	for _, c := range []struct {
		k    *shaders.Kernel
		want string
	}{
		{handmade("syntax", head+" x[0] = ; }", 1), "syntax"},
		{handmade("types", head+" x[0] = 1u; }", 1), "types"},
		{handmade("noentry", "fn other() {}", 1), "noentry"},
		{wrongBindings, "bindings"},
		{tooMany, "threads in a workgroup"},
	} {
		r := &backend.Recording{}
		require.NoError(t, r.Add(c.k, backend.Grid(1), backend.Args{"x": x}, nil, "bad node", 0))
		err := d.Run(ctx, r)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, "shaders/"+c.k.Name+".wgsl")
		require.ErrorContains(t, err, "bad node")
		require.Empty(t, d.prepared)
	}
	// The device is none the worse for it.
	y := alloc(t, d, 64)
	r := &backend.Recording{}
	require.NoError(t, d.Write(x, floats(ramp(64)...)))
	scale(t, r, x, y, 1)
	require.NoError(t, d.Run(ctx, r))
	require.Equal(t, ramp(64), read(t, d, y))
}

func TestBadDispatches(t *testing.T) {
	d := openTest(t)
	x, y := alloc(t, d, 64), alloc(t, d, 64)
	for want, spoil := range map[string]func(*backend.Dispatch){
		"workgroups in one dimension": func(x *backend.Dispatch) { x.Groups[1] = d.Limits().MaxGroups + 1 },
		"uniform block":               func(x *backend.Dispatch) { x.Uniform = x.Uniform[:4] },
		"1 buffers for 2 bindings":    func(x *backend.Dispatch) { x.Args = x.Args[:1] },
		"another device":              func(x *backend.Dispatch) { x.Args[0] = nil },
	} {
		r := &backend.Recording{}
		scale(t, r, x, y, 1)
		spoil(&r.Dispatches[0])
		err := d.Run(ctx, r)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "scale.wgsl")
	}
}

func TestClose(t *testing.T) {
	d := openTest(t)
	x, y := alloc(t, d, 64), alloc(t, d, bigBuffer)
	r := &backend.Recording{}
	scale(t, r, x, x, 2)
	require.NoError(t, d.Run(ctx, r))
	f, err := d.Fetch(y) // never waited for
	require.NoError(t, err)
	require.NotEmpty(t, leftovers(d.gpu.live()))
	require.NoError(t, d.Close()) // fails if the library has an object left
	require.NoError(t, d.Close())
	_, err = f.Wait(ctx)
	require.ErrorContains(t, err, "closed")
	require.ErrorContains(t, d.Run(ctx, r), "closed")
	require.ErrorContains(t, d.Write(x, nil), "closed")
	_, err = d.Alloc(1, backend.F32)
	require.ErrorContains(t, err, "closed")
	d.Free(x)
	d.Forget(r)
}

// A collection between the request to map and its completion frees the wrapper's callback handle; ours lies in C memory.
func TestFetchUnderCollection(t *testing.T) {
	d := openTest(t)
	x := alloc(t, d, 1000)
	require.NoError(t, d.Write(x, floats(ramp(1000)...)))
	stop := make(chan bool)
	go func() {
		var keep [][]byte
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
				for range 100 { // overwrite what was freed
					keep = append(keep, make([]byte, 8))
				}
				if len(keep) > 10000 {
					keep = nil
				}
			}
		}
	}()
	defer close(stop)
	for range 200 {
		f, err := d.Fetch(x)
		require.NoError(t, err)
		runtime.GC()
		b, err := f.Wait(ctx)
		require.NoError(t, err)
		require.Equal(t, ramp(1000), toFloats(b))
	}
}

// Work that takes longer than the five seconds after which the library's own blocking wait gives up, and then returns zeros, is
// waited for in full. It takes 10 s, so it runs when LUTHIER_SLOW is set.
func TestLongWork(t *testing.T) {
	if os.Getenv("LUTHIER_SLOW") == "" {
		t.Skip("LUTHIER_SLOW is not set")
	}
	d := openTest(t)
	x := alloc(t, d, 1<<16)
	for groups, took := slowGroups(t, d, x), time.Duration(0); took < 5*time.Second; groups *= 2 {
		r := slow(t, x, groups)
		require.NoError(t, d.Write(x, make([]byte, 1<<18)))
		start := time.Now()
		require.NoError(t, d.Run(ctx, r))
		require.NotZero(t, read(t, d, x)[1])
		took = time.Since(start)
		t.Log(took)
	}
}

// slow is one dispatch of spin, as long as a software adapter's loops may be.
func slow(t *testing.T, x backend.Buffer, groups int) *backend.Recording {
	t.Helper()
	r := &backend.Recording{}
	require.NoError(t, r.Add(spin(60000), backend.Grid(groups), backend.Args{"x": x}, nil, "spin", 1))
	return r
}

// slowGroups is the size of a slow dispatch that takes about ten seconds.
func slowGroups(t *testing.T, d *Device, x backend.Buffer) int {
	t.Helper()
	groups, took := 64, time.Duration(0)
	for took < time.Second {
		groups *= 2
		start := time.Now()
		require.NoError(t, d.Run(ctx, slow(t, x, groups)))
		require.NoError(t, d.Wait(ctx))
		took = time.Since(start)
	}
	return int(float64(groups) * 10 / took.Seconds())
}

// A trap for kernels, shown: Mesa's software adapter ends loops without a word once one thread has gone round 65535 times in all of
// its loops together. No kernel may loop longer; on a GPU there is no such end.
func TestSoftwareLoopLimit(t *testing.T) {
	d := openTest(t)
	for loops, body := range map[float32]string{
		65000:  "for (var i = 0u; i < 65000u; i += 1u) { v += 1.0 + x[0]; }",
		100000: "for (var i = 0u; i < 100u; i += 1u) { for (var j = 0u; j < 1000u; j += 1u) { v += 1.0 + x[0]; } }",
	} {
		x := alloc(t, d, 64)
		k := handmade("loops", "@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n@compute @workgroup_size(64)\n"+
			"fn main(@builtin(local_invocation_id) l: vec3<u32>) {\n  var v = 0.0;\n  "+body+"\n  if (l.x > 7u) { x[l.x] = v; }\n}\n", 1)
		k.Key += body
		r := &backend.Recording{}
		require.NoError(t, r.Add(k, backend.Grid(1), backend.Args{"x": x}, nil, "loops", 1))
		require.NoError(t, d.Run(ctx, r))
		got := read(t, d, x)[63]
		switch {
		case loops < 65536 || d.Info().Class != backend.Software:
			require.Equal(t, loops, got)
		case got != loops:
			require.Less(t, got, float32(65536))
			t.Logf("%v of %v rounds", got, loops)
		}
	}
}
