package webgpu

import (
	"fmt"

	"luthier/backend"
)

// prepared is a recording with everything looked up and made.
type prepared struct {
	rec   *backend.Recording
	steps []step
	raws  map[*raw]bool
	frees int // memory.frees when the buffers were last looked at
}

type step struct {
	pipe    *pipeline
	group   *group
	slot    *slot
	offsets []uint32 // the dynamic offset of slot, none without uniforms
	cost    float64  // for cutting submits
}

// group is a bind group, shared by all steps that bind the same ranges under the same layout.
type group struct {
	native handle
	key    string
	refs   int
}

func limitError(what string, want, have int64) error {
	return &backend.LimitError{What: what, Want: want, Have: have}
}

// prepare returns the prepared form of r, made at its first use and when it has grown since.
func (d *Device) prepare(r *backend.Recording) (*prepared, error) {
	if p := d.prepared[r]; p != nil {
		if len(p.steps) == len(r.Dispatches) {
			return p, d.recheck(p)
		}
		d.forget(r)
	}
	p := &prepared{rec: r, raws: map[*raw]bool{}, frees: d.mem.frees}
	d.prepared[r] = p
	for i := range r.Dispatches {
		if err := d.prepareStep(p, &r.Dispatches[i]); err != nil {
			d.forget(r)
			return nil, fmt.Errorf("dispatch %d, %s: %w", i, r.Dispatches[i].Label, err)
		}
	}
	for b := range p.raws {
		b.users[p] = true
	}
	return p, nil
}

// recheck refuses a recording whose buffers were freed since.
func (d *Device) recheck(p *prepared) error {
	if p.frees == d.mem.frees {
		return nil
	}
	for i := range p.rec.Dispatches {
		x := &p.rec.Dispatches[i]
		for j, b := range x.Args {
			if _, err := d.own(b); err != nil {
				return fmt.Errorf("dispatch %d, %s: shaders/%s.wgsl: %s: %w", i, x.Label, x.Kernel.Name, x.Kernel.Bindings[j].Name, err)
			}
		}
	}
	p.frees = d.mem.frees
	return nil
}

func (d *Device) prepareStep(p *prepared, x *backend.Dispatch) error {
	k := x.Kernel
	for _, n := range x.Groups {
		if n > d.limits.MaxGroups {
			return fmt.Errorf("shaders/%s.wgsl: %w", k.Name, limitError("workgroups in one dimension", int64(n), int64(d.limits.MaxGroups)))
		}
	}
	if len(x.Args) != len(k.Bindings) {
		return fmt.Errorf("shaders/%s.wgsl: %d buffers for %d bindings", k.Name, len(x.Args), len(k.Bindings))
	}
	pipe, err := d.pipelineOf(k)
	if err != nil {
		return err
	}
	s := step{pipe: pipe}
	if k.Uniform != nil {
		last := k.Uniform[len(k.Uniform)-1].Offset + 4
		if n := len(x.Uniform); n < int(last) || n > slotSize || n%16 != 0 {
			return fmt.Errorf("shaders/%s.wgsl: uniform block of %d bytes, it wants %d", k.Name, n, roundUp(int64(last), 16))
		}
		if s.slot, err = d.uniformSlot(x.Uniform); err != nil {
			return fmt.Errorf("shaders/%s.wgsl: %w", k.Name, err)
		}
		s.offsets = []uint32{s.slot.off}
	}
	if s.group, err = d.groupOf(p, x, pipe, s.slot); err != nil {
		if s.slot != nil {
			d.uniforms.unref(s.slot)
		}
		return fmt.Errorf("shaders/%s.wgsl: %w", k.Name, err)
	}
	s.cost = x.Flops
	for _, b := range x.Args {
		s.cost += flopsPerByte * float64(b.(*Buffer).bytes())
	}
	p.steps = append(p.steps, s)
	return nil
}

// groupOf finds or makes the bind group of a dispatch. Ranges are rounded up to 16 bytes, so that a vec4 covers the last elements.
func (d *Device) groupOf(p *prepared, x *backend.Dispatch, pipe *pipeline, s *slot) (*group, error) {
	var es []entry
	key := []byte(pipe.sig)
	uniformDone := s == nil
	bindUniform := func() {
		es = append(es, entry{x.Kernel.UniformAt, s.page, 0, slotSize})
		key = fmt.Appendf(key, " u%d", s.id)
		uniformDone = true
	}
	for i, b := range x.Kernel.Bindings { // sorted by binding, as the library wants them
		if !uniformDone && x.Kernel.UniformAt < b.Index {
			bindUniform()
		}
		buf, err := d.own(x.Args[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name, err)
		}
		size := max(roundUp(buf.bytes(), 16), 16)
		es = append(es, entry{b.Index, buf.raw.native, buf.off, size})
		key = fmt.Appendf(key, " %d:%d+%d", buf.raw.id, buf.off, size)
		p.raws[buf.raw] = true
	}
	if !uniformDone {
		bindUniform()
	}
	if g := d.groups[string(key)]; g != nil {
		g.refs++
		return g, nil
	}
	h, err := d.gpu.group(pipe.layout, es)
	if err != nil {
		return nil, err
	}
	d.stats.BindGroups++
	g := &group{h, string(key), 1}
	d.groups[g.key] = g
	return g, nil
}

// Forget releases what was prepared for r: bind groups and uniforms, not pipelines. A recording that runs again is prepared again.
// What is prepared stays until then, or until a buffer of it is freed, or Close.
func (d *Device) Forget(r *backend.Recording) {
	if !d.closed {
		d.forget(r)
	}
}

func (d *Device) forget(r *backend.Recording) {
	p := d.prepared[r]
	if p == nil {
		return
	}
	delete(d.prepared, r)
	for b := range p.raws {
		delete(b.users, p)
	}
	for _, s := range p.steps {
		if s.slot != nil {
			d.uniforms.unref(s.slot)
		}
		if s.group.refs--; s.group.refs == 0 {
			delete(d.groups, s.group.key)
			if d.dead == nil {
				s.group.native.release()
			}
		}
	}
}
