//go:build cgo && !wgpu29

package webgpu

/*
#include <stdlib.h>
#include "binding17.h"
*/
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	"github.com/rajveermalviya/go-webgpu/wgpu"

	"luthier/backend"
)

type gpu17 struct {
	inst    *wgpu.Instance
	adapter *wgpu.Adapter
	dev     *wgpu.Device
	queue   *wgpu.Queue
	state   *C.lt_state
	binding int64       // largest storage binding
	largest int64       // and buffer
	late    []*C.lt_map // of buffers released while a mapping was pending, whose callback is still to come
}

func (g *gpu17) most() (binding, buffer int64) { return g.binding, g.largest }

// object is any wrapper object with a Release method.
type object struct{ x interface{ Release() } }

func (o object) release() { o.x.Release() }

type buffer17 struct {
	*wgpu.Buffer
	g *gpu17
	m *C.lt_map
}

// release gives up the buffer; the library keeps it until its last submit is done.
func (b *buffer17) release() {
	b.Buffer.Release()
	if mapState(b.m.state) == mapPending {
		b.g.late = append(b.g.late, b.m)
		return
	}
	C.free(unsafe.Pointer(b.m))
}

// check returns the error that the wrapper reported or else the uncaptured one that the library left.
func (g *gpu17) check(err error) error {
	if g.state.error != 0 {
		e := &nativeError{oom: g.state.error == 2, msg: C.GoString(&g.state.message[0])}
		g.state.error = 0
		return e
	}
	if err != nil {
		return &nativeError{oom: strings.Contains(err.Error(), "Not enough memory"), msg: err.Error()}
	}
	return nil
}

func (g *gpu17) buffer(size int64, u usage) (handle, error) {
	flags := map[usage]wgpu.BufferUsage{storage: wgpu.BufferUsage_Storage | wgpu.BufferUsage_CopySrc | wgpu.BufferUsage_CopyDst,
		uniform: wgpu.BufferUsage_Uniform | wgpu.BufferUsage_CopyDst, readback: wgpu.BufferUsage_MapRead | wgpu.BufferUsage_CopyDst}
	b, err := g.dev.CreateBuffer(&wgpu.BufferDescriptor{Size: uint64(size), Usage: flags[u]})
	if e := g.check(err); e != nil {
		if b != nil {
			b.Release()
		}
		return nil, e
	}
	return &buffer17{b, g, (*C.lt_map)(C.calloc(1, C.sizeof_lt_map))}, nil
}

type layout17 struct {
	group *wgpu.BindGroupLayout
	pipe  *wgpu.PipelineLayout
}

func (l *layout17) release() {
	l.pipe.Release()
	l.group.Release()
}

func (g *gpu17) layout(bindings []uint32, uniformAt int) (handle, error) {
	var es []wgpu.BindGroupLayoutEntry
	for _, b := range bindings {
		es = append(es, wgpu.BindGroupLayoutEntry{Binding: b, Visibility: wgpu.ShaderStage_Compute,
			Buffer: wgpu.BufferBindingLayout{Type: wgpu.BufferBindingType_Storage}})
	}
	if uniformAt >= 0 {
		es = append(es, wgpu.BindGroupLayoutEntry{Binding: uint32(uniformAt), Visibility: wgpu.ShaderStage_Compute,
			Buffer: wgpu.BufferBindingLayout{Type: wgpu.BufferBindingType_Uniform, HasDynamicOffset: true}})
	}
	l, err := g.dev.CreateBindGroupLayout(&wgpu.BindGroupLayoutDescriptor{Entries: es})
	if err = g.check(err); err != nil {
		return nil, err
	}
	p, err := g.dev.CreatePipelineLayout(&wgpu.PipelineLayoutDescriptor{BindGroupLayouts: []*wgpu.BindGroupLayout{l}})
	if err = g.check(err); err != nil {
		l.Release()
		return nil, err
	}
	return &layout17{l, p}, nil
}

func (g *gpu17) pipeline(wgsl string, l handle) (handle, error) {
	m, err := g.dev.CreateShaderModule(&wgpu.ShaderModuleDescriptor{WGSLDescriptor: &wgpu.ShaderModuleWGSLDescriptor{Code: wgsl}})
	if err = g.check(err); err != nil {
		return nil, err
	}
	defer m.Release()
	p, err := g.dev.CreateComputePipeline(&wgpu.ComputePipelineDescriptor{Layout: l.(*layout17).pipe,
		Compute: wgpu.ProgrammableStageDescriptor{Module: m, EntryPoint: "main"}})
	if err = g.check(err); err != nil {
		return nil, err
	}
	return object{p}, nil
}

func (g *gpu17) group(l handle, entries []entry) (handle, error) {
	es := make([]wgpu.BindGroupEntry, len(entries))
	for i, e := range entries {
		es[i] = wgpu.BindGroupEntry{Binding: e.binding, Buffer: e.buffer.(*buffer17).Buffer, Offset: uint64(e.off), Size: uint64(e.size)}
	}
	b, err := g.dev.CreateBindGroup(&wgpu.BindGroupDescriptor{Layout: l.(*layout17).group, Entries: es})
	if err = g.check(err); err != nil {
		return nil, err
	}
	return object{b}, nil
}

func (g *gpu17) write(b handle, off int64, p []byte) error {
	return g.check(g.queue.WriteBuffer(b.(*buffer17).Buffer, uint64(off), p))
}

// submit and poll leave the goroutine locked to its thread when the library gave up: Rust takes a thread that has panicked for one
// that still does and would release nothing on it, for any device. The thread ends with the goroutine.
func (g *gpu17) submit(e encoder) error {
	x := e.(*encoder17)
	c, err := x.enc.Finish(nil)
	x.release()
	if err = g.check(err); err != nil {
		return err
	}
	runtime.LockOSThread()
	if !C.lt_submit(cref(g.queue), cref(c), g.state) {
		return backend.ErrDeviceLost // still locked; and nothing may be released any more
	}
	runtime.UnlockOSThread()
	c.Release()
	return g.check(nil)
}

func (g *gpu17) poll() (uint64, error) {
	runtime.LockOSThread()
	if !C.lt_poll(cref(g.dev), g.state) {
		return 0, backend.ErrDeviceLost // still locked
	}
	runtime.UnlockOSThread()
	return uint64(g.state.done), g.check(nil)
}

func (g *gpu17) mapRead(b handle, size int64) error {
	x := b.(*buffer17)
	C.lt_map_read(cref(x.Buffer), C.size_t(size), x.m)
	return g.check(nil)
}

func (g *gpu17) mapState(b handle) mapState { return mapState(b.(*buffer17).m.state) }

func (g *gpu17) bytes(b handle, size int64) []byte {
	return b.(*buffer17).GetMappedRange(0, uint(size))
}

func (g *gpu17) unmap(b handle) error {
	x := b.(*buffer17)
	x.m.state = 0
	return g.check(x.Unmap())
}

func (g *gpu17) lost() string {
	if g.state == nil || g.state.lost == 0 {
		return ""
	}
	return C.GoString(&g.state.reason[0])
}

func (g *gpu17) live() map[string]int {
	r := g.inst.GenerateReport()
	n := map[string]int{}
	for _, h := range []*wgpu.HubReport{r.Vulkan, r.Metal, r.Dx12} {
		if h == nil {
			continue
		}
		n["buffers"] += int(h.Buffers.NumOccupied)
		n["bind groups"] += int(h.BindGroups.NumOccupied)
		n["bind group layouts"] += int(h.BindGroupLayouts.NumOccupied)
		n["pipeline layouts"] += int(h.PipelineLayouts.NumOccupied)
		n["pipelines"] += int(h.ComputePipelines.NumOccupied)
		n["modules"] += int(h.ShaderModules.NumOccupied)
		n["command buffers"] += int(h.CommandBuffers.NumOccupied)
	}
	return n
}

func (g *gpu17) close() {
	g.queue.Release()
	g.dev.Release()
	g.adapter.Release()
	g.inst.Release()
	for _, m := range g.late {
		C.free(unsafe.Pointer(m))
	}
	C.free(unsafe.Pointer(g.state))
	g.state = nil
}
