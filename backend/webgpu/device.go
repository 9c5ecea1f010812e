// Package webgpu is the device that trains: WGSL on Vulkan, Metal or DX12 through wgpu-native. It is the only package with cgo.
//
// Small buffers share arenas; a Recording is prepared once (pipelines, bind groups, uniforms) and replayed without allocating on the
// device; submits are cut by time and bounded in number; readback waits behind the work without blocking in the library, whose own
// wait gives up after five seconds and then returns zeros.
package webgpu

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"luthier/backend"
)

// Options of Open. The zero value is for use.
type Options struct {
	// MemoryLimit refuses allocations beyond this many bytes with ErrOutOfMemory; 0 leaves it to the driver. A software adapter takes
	// the host's memory, where the driver's own refusal comes too late.
	MemoryLimit int64
	// MaxBinding lowers the binding limit, for tests of splitting on adapters that have more.
	MaxBinding int64
	// Witness has every submit counted on the device and the count looked at with each readback. Metal's devices always do.
	Witness bool
	// Claims changes the limits that adapters say they have, before one is chosen, for tests of adapters that have too little.
	Claims func(*backend.Limits)
}

// Stats counts what the device made since it was opened. A step loop may raise only Submits and Dispatches.
type Stats struct {
	Buffers             int // library buffers created, arenas and staging included
	BindGroups          int
	Pipelines           int
	Submits             int
	Dispatches          int
	PipelineCompileTime time.Duration // host time; software adapters compile at the first dispatch instead
}

// Device is an opened adapter. It implements backend.Device.
type Device struct {
	gpu    gpu
	info   backend.Info
	limits backend.Limits
	opts   Options
	stats  Stats
	closed bool
	dead   error // set once the device is lost

	mem       memory
	pipelines map[string]*pipeline
	layouts   map[string]handle
	groups    map[string]*group
	uniforms  uniforms
	prepared  map[*backend.Recording]*prepared
	staging   staging
	queue     queue
	witness   *witness // nil where submits are not counted
}

var _ backend.Device = (*Device)(nil)

// Open opens the adapter that sel means ("auto", an index of List, a part of a name) with its true limits.
func Open(sel string, o Options) (*Device, error) {
	cs, err := library.adapters()
	if err != nil {
		return nil, fmt.Errorf(noAdapter, backend.ErrNoAdapter, err.Error())
	}
	for i := range cs {
		if o.Claims != nil {
			o.Claims(&cs[i].limits)
		}
	}
	c, err := choose(cs, sel)
	if err != nil {
		return nil, err
	}
	g, err := library.open(c.info.Index)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", backend.ErrNoAdapter, c.info.Name, err)
	}
	d := &Device{gpu: g, info: c.info, limits: c.limits, opts: o, pipelines: map[string]*pipeline{}, layouts: map[string]handle{},
		groups: map[string]*group{}, prepared: map[*backend.Recording]*prepared{}}
	binding, buffer := g.most()
	d.limits.MaxBinding, d.limits.MaxBuffer = min(d.limits.MaxBinding, binding), min(d.limits.MaxBuffer, buffer)
	if o.MaxBinding > 0 {
		d.limits.MaxBinding = min(d.limits.MaxBinding, o.MaxBinding)
	}
	d.limits.MaxBinding = min(d.limits.MaxBinding, d.limits.MaxBuffer) / align * align
	d.limits.Align = max(d.limits.Align, align)
	d.mem.init()
	d.uniforms.init()
	d.staging.init()
	d.queue.init(c.info.Class)
	if o.Witness || c.info.Backend == "Metal" {
		if err := d.testify(); err != nil {
			_ = d.Close()
			return nil, fmt.Errorf("%w: %s: %v", backend.ErrNoAdapter, c.info.Name, err)
		}
	}
	return d, nil
}

// Info describes the adapter.
func (d *Device) Info() backend.Info { return d.info }

// Limits are those of the adapter, requested in full.
func (d *Device) Limits() backend.Limits { return d.limits }

// Stats returns the counters.
func (d *Device) Stats() Stats { return d.stats }

// enter guards a public method: it refuses a closed or lost device. Use with leave:
//
//	if err := d.enter(); err != nil { return err }
//	defer d.leave(&err, "what")
func (d *Device) enter() error {
	if d.closed {
		return errors.New("webgpu: the device is closed")
	}
	return d.dead
}

// leave turns a panic of the library into an error and any error after a loss into ErrDeviceLost.
func (d *Device) leave(err *error, what string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("webgpu: %s: %v", what, p)
	}
	if why := d.gpu.lost(); why != "" && d.dead == nil {
		d.dead = fmt.Errorf("%w: %s (%s, during %s)", backend.ErrDeviceLost, strings.TrimSpace(why), d.info.Name, what)
	}
	if d.dead != nil && *err != nil {
		*err = d.dead
	}
}

// recovered turns a panic into an error where there is no device yet.
func recovered(err *error, what string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("webgpu: %s: %v", what, p)
	}
}

// Close waits for the queued work and releases everything. It is idempotent.
func (d *Device) Close() (err error) {
	if d.closed {
		return nil
	}
	d.closed = true
	defer d.leave(&err, "close")
	if d.dead != nil {
		return nil // the library's objects died with the device; touching them may hang
	}
	if err := d.idle(context.Background()); err != nil {
		return err
	}
	if err := d.unmapAll(); err != nil {
		return err
	}
	for r := range d.prepared {
		d.forget(r)
	}
	d.witness.release()
	for _, p := range d.pipelines {
		p.native.release()
	}
	for _, l := range d.layouts {
		l.release()
	}
	d.staging.release()
	d.uniforms.release()
	d.mem.release()
	err = d.drain()
	if d.gpu.lost() == "" {
		d.gpu.close()
	}
	return err
}

// drain lets the library drop what the last submits and writes still held, which takes it a few polls, one for each level of
// reference, and reports what stays.
func (d *Device) drain() error {
	e, err := d.gpu.encoder()
	if err != nil {
		return err
	}
	if err := d.submit(context.Background(), e, 0); err != nil {
		return err
	}
	left := ""
	for range 50 {
		if err := d.idle(context.Background()); err != nil {
			return err
		}
		if left = leftovers(d.gpu.live()); left == "" {
			return nil
		}
		if _, err := d.gpu.poll(); err != nil {
			return err
		}
	}
	return fmt.Errorf("webgpu: not released at Close: %s", left)
}

func leftovers(live map[string]int) string {
	var s []string
	for k, n := range live {
		if n != 0 {
			s = append(s, fmt.Sprintf("%d %s", n, k))
		}
	}
	sort.Strings(s)
	return strings.Join(s, ", ")
}
