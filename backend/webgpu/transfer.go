package webgpu

import (
	"context"
	"fmt"

	"luthier/backend"
)

// writePiece bounds one queued write: the library copies it to memory of its own, which is free only after the next submit.
const (
	writePiece = 8 << 20
	writeMost  = 32 << 20
)

// Write queues src to the start of dst. The last word is filled with zeros where src does not end on one.
func (d *Device) Write(dst backend.Buffer, src []byte) (err error) {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave(&err, "write")
	b, err := d.own(dst)
	if err != nil {
		return err
	}
	if int64(len(src)) > b.bytes() {
		return fmt.Errorf("webgpu: %d bytes into a buffer of %d", len(src), b.bytes())
	}
	if err := d.settle(); err != nil { // a clearing queued later would wipe it
		return err
	}
	for off := 0; off < len(src); off += writePiece {
		p := src[off:min(off+writePiece, len(src))]
		if n := len(p); n%4 != 0 {
			p = append(append(make([]byte, 0, n+4), p...), 0, 0, 0, 0)[:n/4*4+4]
		}
		if err := d.gpu.write(b.raw.native, b.off+int64(off), p); err != nil {
			return fmt.Errorf("webgpu: write of %d bytes: %w", len(src), err)
		}
		if d.staging.written += len(p); d.staging.written >= writeMost {
			if err := d.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush submits the writes queued so far and waits, so that their copies are freed.
func (d *Device) flush() error {
	e, err := d.gpu.encoder()
	if err != nil {
		return err
	}
	if err := d.submit(context.Background(), e, 0); err != nil {
		return err
	}
	return d.idle(context.Background())
}

// staging keeps readback buffers by size for the next Fetch.
type staging struct {
	free    map[int64][]handle
	all     map[handle]bool
	orphans []*fetch // given up by their callers while the copy was under way
	written int      // bytes of writes since the last flush
}

func (s *staging) init() { s.free, s.all = map[int64][]handle{}, map[handle]bool{} }

func (s *staging) release() {
	for h := range s.all {
		h.release()
	}
}

// stagingMost is the size up to which readback buffers are kept.
const stagingMost = 16 << 20

// sizeClass is the size of the readback buffer for n bytes: what is read again finds one. most is the largest buffer, and may be any number.
func sizeClass(n, most int64) int64 {
	if n > 1<<20 {
		return max(min(roundUp(n, 1<<20), most/16*16), roundUp(n, 16))
	}
	c := int64(1 << 10)
	for c < n {
		c *= 2
	}
	return c
}

func (d *Device) stagingFor(n int64) (handle, error) {
	c := sizeClass(n, d.limits.MaxBuffer)
	if l := d.staging.free[c]; len(l) > 0 {
		d.staging.free[c] = l[:len(l)-1]
		return l[len(l)-1], nil
	}
	h, err := d.gpu.buffer(c, readback)
	if err != nil {
		return nil, fmt.Errorf("webgpu: readback of %d bytes: %w", n, err)
	}
	d.stats.Buffers++
	d.staging.all[h] = true
	return h, nil
}

// stagingBack keeps h for later, or releases it if it is large.
func (d *Device) stagingBack(h handle, n int64) {
	c := sizeClass(n, d.limits.MaxBuffer)
	if c <= stagingMost {
		d.staging.free[c] = append(d.staging.free[c], h)
		return
	}
	delete(d.staging.all, h)
	h.release()
}

type fetch struct {
	d    *Device
	h    handle
	n    int64  // bytes wanted
	size int64  // bytes mapped: n, rounded up, and the witness's word
	sent uint32 // submits that the witness has counted if all went well
	used bool
}

// Fetch queues a copy of src behind the work queued so far.
func (d *Device) Fetch(src backend.Buffer) (f backend.Fetch, err error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave(&err, "fetch")
	b, err := d.own(src)
	if err != nil {
		return nil, err
	}
	if err := d.settle(); err != nil {
		return nil, err
	}
	n := b.bytes()
	size := max(roundUp(n, 16), 16) + d.witness.bytes()
	h, err := d.stagingFor(size)
	if err != nil {
		return nil, err
	}
	e, err := d.gpu.encoder()
	if err != nil {
		return nil, err
	}
	if n > 0 {
		if err := e.copy(b.raw.native, b.off, h, 0, roundUp(n, 4)); err != nil {
			e.release()
			return nil, err
		}
	}
	g := &fetch{d: d, h: h, n: n, size: size}
	if w := d.witness; w != nil {
		g.sent = w.sent
		if err := e.copy(w.word, 0, h, size-wordBytes, 4); err != nil {
			e.release()
			return nil, err
		}
	}
	if err := d.submit(context.Background(), e, 0); err != nil {
		return nil, err
	}
	if err := d.gpu.mapRead(h, size); err != nil {
		return nil, err
	}
	return g, nil
}

// Wait polls until the copy is mapped and returns it. When ctx ends first it returns at once and the copy is dropped later.
func (f *fetch) Wait(ctx context.Context) (out []byte, err error) {
	d := f.d
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave(&err, "readback")
	if f.used {
		return nil, fmt.Errorf("webgpu: a Fetch is waited for once")
	}
	f.used = true
	if err := d.until(ctx, func() bool { return d.gpu.mapState(f.h) != mapPending }); err != nil {
		d.staging.orphans = append(d.staging.orphans, f)
		return nil, err
	}
	return f.take(true)
}

// take copies the mapped bytes if they are wanted and gives the staging buffer back.
func (f *fetch) take(want bool) (out []byte, err error) {
	if f.d.gpu.mapState(f.h) == mapFailed {
		delete(f.d.staging.all, f.h)
		f.h.release()
		return nil, fmt.Errorf("webgpu: a readback of %d bytes could not be mapped", f.n)
	}
	var broken error
	if want {
		raw := f.d.gpu.bytes(f.h, f.size)
		out = append(make([]byte, 0, f.n), raw[:f.n]...)
		broken = f.d.witness.holds(raw, f.sent)
	}
	if err := f.d.gpu.unmap(f.h); err != nil {
		return nil, err
	}
	f.d.stagingBack(f.h, f.size)
	if broken != nil {
		f.d.dead = fmt.Errorf("%w (%s)", broken, f.d.info.Name)
		return nil, f.d.dead
	}
	return out, nil
}

// reap takes back the staging buffers of readbacks that nobody waits for any more.
func (d *Device) reap() {
	left := d.staging.orphans[:0]
	for _, f := range d.staging.orphans {
		if d.gpu.mapState(f.h) == mapPending {
			left = append(left, f)
			continue
		}
		f.take(false)
	}
	d.staging.orphans = left
}

// unmapAll waits for readbacks that were never waited for and unmaps them: the library keeps a buffer that is released while its
// mapping is pending.
func (d *Device) unmapAll() error {
	for h := range d.staging.all {
		if err := d.until(context.Background(), func() bool { return d.gpu.mapState(h) != mapPending }); err != nil {
			return err
		}
		if d.gpu.mapState(h) != mapReady {
			continue
		}
		if err := d.gpu.unmap(h); err != nil {
			return err
		}
	}
	return nil
}
