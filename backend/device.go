// Package backend says what it means to run kernels: a Device with Buffers, and a Recording of dispatches that a device replays.
//
// It knows no tensors. Two devices exist: backend/ref, float64 and plain loops, the oracle of every test; and backend/webgpu.
package backend

import (
	"context"
	"fmt"
)

// DType is the storage type of a buffer's elements. Arithmetic is f32 on adapters whatever the storage.
type DType uint8

// Storage types. BF16 packs two elements to a 32-bit word, the first in the low half; its buffers have an even number of elements.
const (
	F32 DType = iota
	U32
	BF16
)

func (t DType) String() string { return [...]string{"f32", "u32", "bf16"}[t] }

// Bytes is the size of n elements of type t.
func (t DType) Bytes(n int) int64 {
	if t == BF16 {
		return int64(n+1) / 2 * 4
	}
	return int64(n) * 4
}

// Class groups adapters that want the same kernels.
type Class string

// Adapter classes. Software is a CPU driver such as Mesa's lavapipe, which wants the opposite of what a GPU wants (no workgroup
// memory, one 8-lane subgroup a workgroup).
const (
	Software Class = "software"
	NVIDIA   Class = "nvidia"
	AMD      Class = "amd"
	Intel    Class = "intel"
	Apple    Class = "apple"
	OtherGPU Class = "gpu"
)

// Info describes an adapter to people and to the kernel table.
type Info struct {
	Index      int    // position in the adapter list
	Name       string // as the driver calls it
	Vendor     string
	Driver     string // driver and its version
	Backend    string // Vulkan, Metal, DX12; "float64" for the reference
	Class      Class
	Integrated bool // a GPU in the host's memory
}

// NoLimit stands for a limit of bytes that a driver does not set: beyond any memory, and within an int64.
const NoLimit = 1 << 40

// Limits are the true limits of an opened device.
type Limits struct {
	MaxBinding int64  // bytes of one storage binding
	MaxBuffer  int64  // bytes of one buffer
	MaxGroups  uint32 // workgroups in one dimension
	MaxThreads uint32 // threads in one workgroup
	Shared     uint32 // bytes of workgroup memory
	Storage    uint32 // storage buffers in one kernel
	Align      int    // bytes that the offset of a view must be a multiple of
}

// Buffer is a range of device memory. It belongs to the device that made it.
type Buffer interface {
	Elems() int
	DType() DType
}

// Fetch is a readback under way.
type Fetch interface {
	// Wait returns the bytes once the work queued before the Fetch is done. It may be called once.
	Wait(ctx context.Context) ([]byte, error)
}

// Device runs recordings. Its methods are called from one goroutine at a time.
type Device interface {
	Info() Info
	Limits() Limits
	// Alloc makes a zeroed buffer. It fails with *LimitError above Limits.MaxBinding and with ErrOutOfMemory when the device has no more.
	Alloc(elems int, t DType) (Buffer, error)
	// View is elems elements of type t in b from element off (of b's type), a multiple of Limits.Align bytes. Views are not freed.
	View(b Buffer, off, elems int, t DType) (Buffer, error)
	// Free gives a buffer made by Alloc back.
	Free(b Buffer)
	// Write queues little-endian host bytes to the start of dst: f32, u32 or packed bf16 as dst's type says.
	Write(dst Buffer, src []byte) error
	// Fetch queues a copy of src behind the work queued so far.
	Fetch(src Buffer) (Fetch, error)
	// Run queues every dispatch of r in order and returns when they are submitted, not when they are done.
	Run(ctx context.Context, r *Recording) error
	// Wait returns when all queued work is done.
	Wait(ctx context.Context) error
	// Allocated is the number of bytes and of buffers that Alloc has out.
	Allocated() (bytes int64, buffers int)
	// Close releases everything. It is idempotent.
	Close() error
}

// Read copies src to host memory and waits for it.
func Read(ctx context.Context, d Device, src Buffer) ([]byte, error) {
	f, err := d.Fetch(src)
	if err != nil {
		return nil, err
	}
	return f.Wait(ctx)
}

// LimitError is a request beyond what the adapter can do.
type LimitError struct {
	What       string
	Want, Have int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %d are wanted, the adapter allows %d", e.What, e.Want, e.Have)
}

// Errors that a caller acts on; wrapped with detail, found with errors.Is.
var (
	ErrNoAdapter   = fmt.Errorf("no usable adapter")
	ErrOutOfMemory = fmt.Errorf("out of device memory")
	ErrDeviceLost  = fmt.Errorf("device lost")
)
