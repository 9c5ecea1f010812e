package webgpu

import (
	"fmt"

	"luthier/backend"
)

const (
	align     = 256      // of every range: what WebGPU guarantees for the offsets of bindings
	bigBuffer = 1 << 20  // from here on a buffer is a library buffer of its own
	arenaSize = 16 << 20 // shared by the smaller ones
)

// Buffer is a range of a library buffer.
type Buffer struct {
	dev   *Device
	raw   *raw
	off   int64
	cap   int64 // bytes owned, a multiple of 256
	elems int
	dtype backend.DType
	root  *Buffer // what Alloc made: itself or, for a view, its origin
	freed bool    // of a root
}

// Elems is the number of elements.
func (b *Buffer) Elems() int { return b.elems }

// DType is the storage type.
func (b *Buffer) DType() backend.DType { return b.dtype }

func (b *Buffer) bytes() int64 { return b.dtype.Bytes(b.elems) }

type memory struct {
	arenas []*raw
	big    map[*raw]bool
	bytes  int64 // asked for by Alloc, not yet freed
	count  int
	held   int64      // bytes of library buffers
	frees  int        // number of Free calls, by which a prepared recording knows to look again at its buffers
	dirty  []clearing // handed out and not yet zeroed
	nextID int

	dropped bool // a library buffer was released since the last collect
}

type clearing struct {
	raw *raw
	span
}

func (m *memory) init() { m.big = map[*raw]bool{} }

func (m *memory) release() {
	for _, a := range m.arenas {
		a.native.release()
	}
	for b := range m.big {
		b.native.release()
	}
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }

// Alloc makes a zeroed buffer of elems elements.
func (d *Device) Alloc(elems int, t backend.DType) (b backend.Buffer, err error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave(&err, "allocation")
	if elems < 0 {
		return nil, fmt.Errorf("webgpu: buffer of %d elements", elems)
	}
	n := t.Bytes(elems)
	if n > d.limits.MaxBinding {
		return nil, &backend.LimitError{What: "bytes of one storage binding", Want: n, Have: d.limits.MaxBinding}
	}
	size := max(roundUp(n, align), align)
	x := &Buffer{dev: d, cap: size, elems: elems, dtype: t}
	x.root = x
	if size < min(bigBuffer, d.limits.MaxBinding) {
		err = d.fromArena(x)
	} else if x.raw, err = d.newRaw(size); err == nil {
		d.mem.big[x.raw] = true
	}
	if err != nil {
		return nil, err
	}
	d.mem.dirty = append(d.mem.dirty, clearing{x.raw, span{x.off, size}})
	d.mem.bytes += n
	d.mem.count++
	return x, nil
}

// Free gives b back. Recordings that use it cannot run any more. Views and buffers already freed are left alone.
func (d *Device) Free(b backend.Buffer) {
	x, ok := b.(*Buffer)
	if !ok || x.dev != d || x.root != x || x.freed || d.closed {
		return
	}
	x.freed = true
	d.mem.frees++
	d.mem.bytes -= x.bytes()
	d.mem.count--
	if d.mem.big[x.raw] {
		delete(d.mem.big, x.raw)
		d.drop(x.raw)
		return
	}
	x.raw.give(span{x.off, x.cap})
	d.trim()
}

// View is a window on b from element off of b's type.
func (d *Device) View(b backend.Buffer, off, elems int, t backend.DType) (backend.Buffer, error) {
	x, err := d.own(b)
	if err != nil {
		return nil, err
	}
	if off < 0 || elems < 0 {
		return nil, fmt.Errorf("webgpu: view [%d, +%d)", off, elems)
	}
	if x.dtype == backend.BF16 && off%2 != 0 {
		return nil, fmt.Errorf("webgpu: view at element %d of a bf16 buffer", off)
	}
	at := x.dtype.Bytes(off)
	if at%int64(d.limits.Align) != 0 {
		return nil, fmt.Errorf("webgpu: view at byte %d, want a multiple of %d", at, d.limits.Align)
	}
	if at+t.Bytes(elems) > x.bytes() {
		return nil, fmt.Errorf("webgpu: view of %d bytes at byte %d of a buffer of %d", t.Bytes(elems), at, x.bytes())
	}
	return &Buffer{dev: d, raw: x.raw, off: x.off + at, cap: x.cap - at, elems: elems, dtype: t, root: x.root}, nil
}

// own checks that b is a live buffer of this device.
func (d *Device) own(b backend.Buffer) (*Buffer, error) {
	x, ok := b.(*Buffer)
	if !ok || x == nil || x.dev != d {
		return nil, fmt.Errorf("webgpu: a buffer of another device")
	}
	if x.root.freed {
		return nil, fmt.Errorf("webgpu: a buffer that was freed")
	}
	return x, nil
}

// Allocated counts what Alloc has out.
func (d *Device) Allocated() (int64, int) { return d.mem.bytes, d.mem.count }
