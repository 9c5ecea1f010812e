package webgpu

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"luthier/backend"
)

// raw is a library buffer: an arena or one big buffer.
type raw struct {
	native handle
	size   int64
	free   []span // free ranges by offset; nil for a big buffer
	users  map[*prepared]bool
	id     int
}

type span struct{ off, size int64 }

// newRaw makes a library buffer.
func (d *Device) newRaw(size int64) (*raw, error) {
	if o := d.opts.MemoryLimit; o > 0 && d.mem.held+size > o {
		return nil, fmt.Errorf("%w: %d bytes more, %d in use, the limit is %d", backend.ErrOutOfMemory, size, d.mem.held, o)
	}
	if err := d.collect(); err != nil {
		return nil, err
	}
	h, err := d.gpu.buffer(size, storage)
	if errors.Is(err, backend.ErrOutOfMemory) { // submits under way may hold what was freed
		if err := d.idle(context.Background()); err != nil {
			return nil, err
		}
		d.mem.dropped = true
		if err := d.collect(); err != nil {
			return nil, err
		}
		h, err = d.gpu.buffer(size, storage)
	}
	if errors.Is(err, backend.ErrOutOfMemory) {
		return nil, fmt.Errorf("%w: the driver of %s refused %d bytes more, %d in use", backend.ErrOutOfMemory, d.info.Name, size, d.mem.held)
	}
	if err != nil {
		return nil, fmt.Errorf("webgpu: buffer of %d bytes (%d in use): %w", size, d.mem.held, err)
	}
	d.stats.Buffers++
	d.mem.held += size
	d.mem.nextID++
	return &raw{native: h, size: size, users: map[*prepared]bool{}, id: d.mem.nextID}, nil
}

// fromArena takes the first range that fits, from a new arena if none does.
func (d *Device) fromArena(b *Buffer) error {
	for _, a := range d.mem.arenas {
		if off, ok := a.take(b.cap); ok {
			b.raw, b.off = a, off
			return nil
		}
	}
	size := min(arenaSize, d.limits.MaxBinding)
	a, err := d.newRaw(size)
	if err != nil {
		return err
	}
	a.free = []span{{0, size}}
	d.mem.arenas = append(d.mem.arenas, a)
	return d.fromArena(b)
}

// take finds the first free range of n bytes.
func (r *raw) take(n int64) (int64, bool) {
	for i, s := range r.free {
		if s.size < n {
			continue
		}
		if s.size == n {
			r.free = append(r.free[:i], r.free[i+1:]...)
		} else {
			r.free[i] = span{s.off + n, s.size - n}
		}
		return s.off, true
	}
	return 0, false
}

// give returns a range and joins it with its neighbours.
func (r *raw) give(s span) {
	i := sort.Search(len(r.free), func(i int) bool { return r.free[i].off > s.off })
	r.free = append(r.free[:i], append([]span{s}, r.free[i:]...)...)
	for j := max(i-1, 0); j+1 < len(r.free) && j <= i; {
		if a, b := r.free[j], r.free[j+1]; a.off+a.size == b.off {
			r.free[j].size += b.size
			r.free = append(r.free[:j+1], r.free[j+2:]...)
		} else {
			j++
		}
	}
}

func (r *raw) empty() bool { return len(r.free) == 1 && r.free[0].size == r.size }

// trim releases empty arenas but one.
func (d *Device) trim() {
	kept, spare := d.mem.arenas[:0], false
	for _, a := range d.mem.arenas {
		if a.empty() && spare {
			d.drop(a)
			continue
		}
		spare = spare || a.empty()
		kept = append(kept, a)
	}
	clear(d.mem.arenas[len(kept):])
	d.mem.arenas = kept
}

// drop releases a library buffer and what refers to it.
func (d *Device) drop(r *raw) {
	for p := range r.users {
		d.forget(p.rec)
	}
	dirty := d.mem.dirty[:0]
	for _, c := range d.mem.dirty {
		if c.raw != r {
			dirty = append(dirty, c)
		}
	}
	d.mem.dirty = dirty
	d.mem.held -= r.size
	if d.dead == nil {
		r.native.release()
		d.mem.dropped = true
	}
}

// collect lets the library give the memory of released buffers back, which it does at a poll, one for each level of reference.
func (d *Device) collect() error {
	if !d.mem.dropped {
		return nil
	}
	d.mem.dropped = false
	for range 4 {
		if err := d.poll(false); err != nil {
			return err
		}
	}
	return nil
}

// settle queues the clearing of what Alloc handed out. WebGPU zeroes new memory by itself, but this version does so from wherever the
// first write ended, and NVIDIA's driver then fills the wrong range when that is no multiple of 16.
func (d *Device) settle() error {
	if len(d.mem.dirty) == 0 {
		return nil
	}
	e, err := d.gpu.encoder()
	if err != nil {
		return err
	}
	for _, c := range d.mem.dirty {
		if err := e.clear(c.raw.native, c.off, c.size); err != nil {
			e.release()
			return err
		}
	}
	d.mem.dirty = d.mem.dirty[:0]
	return d.submit(context.Background(), e, 0)
}
