package webgpu

import "luthier/backend"

// The seam: everything this package asks of a WebGPU library. A second library is a second file like binding17.go under a build tag;
// nothing else here names one. Handles are opaque and released exactly once. Calls come from one goroutine at a time.
type (
	// binding finds adapters. Each call makes its own instance, so that what one device leaves behind another cannot see.
	binding interface {
		// adapters lists what the system has, in the library's order, on Vulkan, Metal and DX12.
		adapters() ([]candidate, error)
		// open makes a device of adapter i of that list with the adapter's own limits.
		open(i int) (gpu, error)
	}

	candidate struct {
		info   backend.Info
		rank   int // 0 discrete, 1 integrated, 2 virtual or unknown, 3 software
		limits backend.Limits
	}

	// handle is an object of the library.
	handle interface{ release() }

	usage int

	// entry binds a range of a buffer.
	entry struct {
		binding   uint32
		buffer    handle
		off, size int64
	}

	gpu interface {
		// most are the largest storage binding and the largest buffer that the device takes, in bytes.
		most() (binding, buffer int64)
		buffer(size int64, u usage) (handle, error)
		// layout has read_write storage buffers at the given bindings and, if uniform >= 0, a uniform buffer with dynamic offset there.
		layout(storage []uint32, uniform int) (handle, error)
		pipeline(wgsl string, layout handle) (handle, error)
		group(layout handle, entries []entry) (handle, error)
		// write queues bytes (a multiple of 4) before the next submit.
		write(b handle, off int64, p []byte) error
		encoder() (encoder, error)
		// submit ends e and queues it.
		submit(e encoder) error
		// poll lets the library make progress without blocking and returns the number of submits that are done.
		poll() (uint64, error)
		// mapRead starts to map a readback buffer; mapState tells how far it is.
		mapRead(b handle, size int64) error
		mapState(b handle) mapState
		// bytes is the mapped memory, valid until unmap.
		bytes(b handle, size int64) []byte
		unmap(b handle) error
		// lost is the reason why the device is gone, or "".
		lost() string
		// live counts the library's own objects by kind, for the test that nothing stays.
		live() map[string]int
		close()
	}

	encoder interface {
		handle
		clear(b handle, off, size int64) error
		copy(src handle, off int64, dst handle, at, size int64) error
		begin()
		dispatch(pipeline, group handle, offsets []uint32, groups [3]uint32)
		end() error
	}

	mapState int
)

const (
	storage  usage = iota // storage, copied from and to
	uniform               // uniform, written by the host
	readback              // copied to, mapped for reading
)

const (
	mapNone mapState = iota
	mapPending
	mapReady
	mapFailed
)

// nativeError is what a library said; oom marks it as ErrOutOfMemory.
type nativeError struct {
	oom bool
	msg string
}

func (e *nativeError) Error() string { return e.msg }

func (e *nativeError) Is(target error) bool { return e.oom && target == backend.ErrOutOfMemory }
