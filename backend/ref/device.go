// Package ref is the float64 device: every kernel as plain Go loops, one file a kernel, in the order of its equation.
//
// It is the oracle: references are tested against the papers, vector-Jacobian products against central differences here at 1e-8, and
// each WGSL variant against this device on the same Recording. Buffers hold one float64 an element whatever their type; a BF16 buffer
// holds values that are bf16 numbers; a U32 buffer holds integers, exact to 2^53.
package ref

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"luthier/backend"
	"luthier/shaders"
)

// Kernel is the reference of one contract. It runs a whole dispatch: the grid is the shader's affair, not its.
type Kernel func(c *Call)

var kernels = map[string]Kernel{}

// register binds a reference to the contract of that name; used as var _ = register("gelu", ...) in the kernel's own file.
func register(name string, k Kernel) bool {
	kernels[name] = k
	return true
}

// Has tells whether contract name has a reference.
func Has(name string) bool { return kernels[name] != nil }

// Buffer is a slice of float64.
type Buffer struct {
	data  []float64
	dtype backend.DType
}

// Elems is the number of elements.
func (b *Buffer) Elems() int { return len(b.data) }

// DType is the storage type.
func (b *Buffer) DType() backend.DType { return b.dtype }

// Floats is the memory itself, for tests that need all 64 bits.
func (b *Buffer) Floats() []float64 { return b.data }

// Device runs recordings in float64.
type Device struct {
	buffers map[*Buffer]bool
	bytes   int64
	limits  backend.Limits
}

// New opens the reference device with the limits of a common adapter, so that what is planned here is planned there alike.
func New() *Device {
	return &Device{buffers: map[*Buffer]bool{}, limits: backend.Limits{
		MaxBinding: 128 << 20, MaxBuffer: 256 << 20, MaxGroups: 65535, MaxThreads: 256, Shared: 16384, Storage: 8, Align: 256}}
}

// Info names the device. Its class is Software, whose kernels it stands beside in tests; references serve every variant.
func (d *Device) Info() backend.Info {
	return backend.Info{Name: "float64 reference", Backend: "float64", Class: backend.Software}
}

// Limits are fixed.
func (d *Device) Limits() backend.Limits { return d.limits }

// SetLimits replaces the limits, for tests of splitting.
func (d *Device) SetLimits(l backend.Limits) { d.limits = l }

// Alloc makes a zeroed buffer.
func (d *Device) Alloc(elems int, t backend.DType) (backend.Buffer, error) {
	if n := t.Bytes(elems); n > d.limits.MaxBinding {
		return nil, &backend.LimitError{What: "bytes of one storage binding", Want: n, Have: d.limits.MaxBinding}
	}
	b := &Buffer{make([]float64, elems), t}
	d.buffers[b] = true
	d.bytes += t.Bytes(elems)
	return b, nil
}

// View shares memory with b. Types of different width cannot share here.
func (d *Device) View(b backend.Buffer, off, elems int, t backend.DType) (backend.Buffer, error) {
	rb := b.(*Buffer)
	if (t == backend.BF16) != (rb.dtype == backend.BF16) {
		return nil, fmt.Errorf("ref: a %s view of a %s buffer", t, rb.dtype)
	}
	if off < 0 || elems < 0 || off+elems > len(rb.data) {
		return nil, fmt.Errorf("ref: view [%d, %d) of %d elements", off, off+elems, len(rb.data))
	}
	if rb.dtype.Bytes(off)%int64(d.limits.Align) != 0 {
		return nil, fmt.Errorf("ref: view at byte %d, want a multiple of %d", rb.dtype.Bytes(off), d.limits.Align)
	}
	return &Buffer{rb.data[off : off+elems : off+elems], t}, nil
}

// Free gives b back.
func (d *Device) Free(b backend.Buffer) {
	if rb := b.(*Buffer); d.buffers[rb] {
		delete(d.buffers, rb)
		d.bytes -= rb.dtype.Bytes(len(rb.data))
	}
}

// Write converts host bytes to float64.
func (d *Device) Write(dst backend.Buffer, src []byte) error {
	b := dst.(*Buffer)
	if int64(len(src)) > b.dtype.Bytes(len(b.data)) {
		return fmt.Errorf("ref: %d bytes into a buffer of %d", len(src), b.dtype.Bytes(len(b.data)))
	}
	if b.dtype == backend.BF16 {
		for i := 0; i+2 <= len(src); i += 2 {
			b.data[i/2] = float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[i:])) << 16))
		}
		return nil
	}
	for i := 0; i+4 <= len(src); i += 4 {
		w := binary.LittleEndian.Uint32(src[i:])
		if b.dtype == backend.U32 {
			b.data[i/4] = float64(w)
		} else {
			b.data[i/4] = float64(math.Float32frombits(w))
		}
	}
	return nil
}

type fetched []byte

func (f fetched) Wait(context.Context) ([]byte, error) { return f, nil }

// Fetch converts the buffer to host bytes at once.
func (d *Device) Fetch(src backend.Buffer) (backend.Fetch, error) {
	b := src.(*Buffer)
	out := make([]byte, b.dtype.Bytes(len(b.data)))
	for i, v := range b.data {
		switch b.dtype {
		case backend.F32:
			binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(float32(v)))
		case backend.U32:
			binary.LittleEndian.PutUint32(out[4*i:], uint32(v))
		case backend.BF16:
			binary.LittleEndian.PutUint16(out[2*i:], uint16(math.Float32bits(float32(v))>>16))
		}
	}
	return fetched(out), nil
}

// Run runs each dispatch at once.
func (d *Device) Run(ctx context.Context, r *backend.Recording) error {
	for i := range r.Dispatches {
		x := &r.Dispatches[i]
		k := kernels[x.Kernel.Contract]
		if k == nil {
			return fmt.Errorf("ref: kernel %s has no reference", x.Kernel.Contract)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		k(&Call{x})
	}
	return nil
}

// Wait has nothing to wait for.
func (d *Device) Wait(ctx context.Context) error { return ctx.Err() }

// Allocated counts what Alloc has out.
func (d *Device) Allocated() (int64, int) { return d.bytes, len(d.buffers) }

// Close forgets every buffer.
func (d *Device) Close() error {
	d.buffers, d.bytes = map[*Buffer]bool{}, 0
	return nil
}

// Call gives a reference its arguments by the names of the WGSL.
type Call struct{ d *backend.Dispatch }

// X is the buffer bound as name.
func (c *Call) X(name string) []float64 {
	for i, b := range c.d.Kernel.Bindings {
		if b.Name == name {
			return c.d.Args[i].(*Buffer).data
		}
	}
	panic("ref: " + c.d.Kernel.Name + " has no binding " + name)
}

func (c *Call) field(name string) (uint32, shaders.Field) {
	for _, f := range c.d.Kernel.Uniform {
		if f.Name == name {
			return binary.LittleEndian.Uint32(c.d.Uniform[f.Offset:]), f
		}
	}
	panic("ref: " + c.d.Kernel.Name + " has no uniform " + name)
}

// N is the integer uniform name.
func (c *Call) N(name string) int {
	w, _ := c.field(name)
	return int(w)
}

// F is the real uniform name.
func (c *Call) F(name string) float64 {
	w, _ := c.field(name)
	return float64(math.Float32frombits(w))
}

// Const is a compile-time constant of this instance, 0 where the file has none of that name.
func (c *Call) Const(name string) int { return c.d.Kernel.Consts[name] }
