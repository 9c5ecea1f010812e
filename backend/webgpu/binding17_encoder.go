//go:build cgo && !wgpu29

package webgpu

/*
#include "binding17.h"
*/
import "C"

import (
	"runtime"

	"github.com/rajveermalviya/go-webgpu/wgpu"

	"luthier/backend"
)

type encoder17 struct {
	g    *gpu17
	enc  *wgpu.CommandEncoder
	pass *wgpu.ComputePassEncoder
	dead bool // the library gave up: nothing of it may be touched
}

func (e *encoder17) clear(b handle, off, size int64) error {
	return e.g.check(e.enc.ClearBuffer(b.(*buffer17).Buffer, uint64(off), uint64(size)))
}

func (e *encoder17) copy(src handle, off int64, dst handle, at, size int64) error {
	return e.g.check(e.enc.CopyBufferToBuffer(src.(*buffer17).Buffer, uint64(off), dst.(*buffer17).Buffer, uint64(at), uint64(size)))
}

func (e *encoder17) begin() { e.pass = e.enc.BeginComputePass(nil) }

func (e *encoder17) dispatch(p, g handle, offsets []uint32, n [3]uint32) {
	e.pass.SetPipeline(p.(object).x.(*wgpu.ComputePipeline))
	e.pass.SetBindGroup(0, g.(object).x.(*wgpu.BindGroup), offsets)
	e.pass.DispatchWorkgroups(n[0], n[1], n[2])
}

// end is where the library first looks at what the pass uses: memory that is gone makes it give up here. See submit for the locking.
func (e *encoder17) end() error {
	runtime.LockOSThread()
	if !C.lt_end(cref(e.pass), e.g.state) {
		e.dead = true
		return backend.ErrDeviceLost // still locked
	}
	runtime.UnlockOSThread()
	e.pass.Release()
	e.pass = nil
	return e.g.check(nil)
}

func (e *encoder17) release() {
	if e.dead {
		return
	}
	if e.pass != nil {
		e.pass.Release()
	}
	e.enc.Release()
}

func (g *gpu17) encoder() (encoder, error) {
	e, err := g.dev.CreateCommandEncoder(nil)
	if err = g.check(err); err != nil {
		return nil, err
	}
	return &encoder17{g: g, enc: e}, nil
}
