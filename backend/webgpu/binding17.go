//go:build cgo && !wgpu29

package webgpu

/*
#include <stdlib.h>
#include "binding17.h"
*/
import "C"

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"github.com/rajveermalviya/go-webgpu/wgpu"

	"luthier/backend"
)

// library is wgpu-native 0.17.0.2 by way of go-webgpu v0.17.1. What the wrapper does not do safely or not at all goes to binding17.c:
// mapping (its callback handle lies in collectable memory), uncaptured errors and device loss (it has no callback for them, and the
// library aborts the process by default).
var library binding = wgpu17{}

type wgpu17 struct{}

var catchAborts sync.Once

// cref is the C pointer inside a wrapper object, which keeps it in a field of this name.
func cref(wrapper any) unsafe.Pointer {
	return reflect.ValueOf(wrapper).Elem().FieldByName("ref").UnsafePointer()
}

func enumerate() (*wgpu.Instance, []*wgpu.Adapter) {
	catchAborts.Do(func() { C.lt_catch_aborts() })
	set := C.lt_quiet()
	defer C.lt_loud(set)
	wgpu.SetLogLevel(wgpu.LogLevel_Off)
	backends := wgpu.InstanceBackend_Vulkan | wgpu.InstanceBackend_Metal | wgpu.InstanceBackend_DX12
	inst := wgpu.CreateInstance(&wgpu.InstanceDescriptor{Backends: backends})
	return inst, inst.EnumerateAdapters(&wgpu.InstanceEnumerateAdapterOptons{Backends: backends})
}

func (wgpu17) adapters() (cs []candidate, err error) {
	defer recovered(&err, "listing adapters")
	inst, as := enumerate()
	defer inst.Release()
	for i, a := range as {
		cs = append(cs, describe(i, a))
		a.Release()
	}
	return cs, nil
}

func describe(i int, a *wgpu.Adapter) candidate {
	p := a.GetProperties()
	rank := map[wgpu.AdapterType]int{wgpu.AdapterType_DiscreteGPU: 0, wgpu.AdapterType_IntegratedGPU: 1, wgpu.AdapterType_CPU: 3}
	c := candidate{rank: 2}
	if r, ok := rank[p.AdapterType]; ok {
		c.rank = r
	}
	name := map[wgpu.BackendType]string{wgpu.BackendType_Vulkan: "Vulkan", wgpu.BackendType_Metal: "Metal", wgpu.BackendType_D3D12: "DX12"}
	c.info = backend.Info{Index: i, Name: p.Name, Driver: strings.TrimSpace(p.DriverDescription), Backend: name[p.BackendType]}
	c.info.Vendor, c.info.Class = classify(p.VendorId, p.Name, c.info.Backend, c.rank == 3)
	if c.info.Class == backend.Software {
		c.rank = 3
	}
	c.info.Integrated = c.rank == 1
	l := a.GetLimits().Limits
	c.limits = backend.Limits{MaxBinding: capped(l.MaxStorageBufferBindingSize), MaxBuffer: capped(l.MaxBufferSize),
		MaxGroups: min(l.MaxComputeWorkgroupsPerDimension, 1<<16-1), MaxThreads: l.MaxComputeInvocationsPerWorkgroup,
		Shared: l.MaxComputeWorkgroupStorageSize, Storage: l.MaxStorageBuffersPerShaderStage,
		Align: int(max(l.MinStorageBufferOffsetAlignment, l.MinUniformBufferOffsetAlignment))}
	return c
}

func capped(limit uint64) int64 { return int64(min(limit, backend.NoLimit)) }

func (wgpu17) open(i int) (g gpu, err error) {
	defer recovered(&err, "opening the adapter")
	inst, as := enumerate()
	for j, a := range as {
		if j != i {
			a.Release()
		}
	}
	if i >= len(as) {
		inst.Release()
		return nil, fmt.Errorf("adapter %d is gone", i)
	}
	s := (*C.lt_state)(C.calloc(1, C.sizeof_lt_state))
	var most C.lt_most
	p := C.lt_open(cref(as[i]), s, backend.NoLimit, &most)
	if p == nil {
		as[i].Release()
		inst.Release()
		C.free(unsafe.Pointer(s))
		return nil, fmt.Errorf("the adapter refused a device")
	}
	d := &wgpu.Device{}
	*(*unsafe.Pointer)(unsafe.Pointer(d)) = p // its only field
	return &gpu17{inst: inst, adapter: as[i], dev: d, queue: d.GetQueue(), state: s, binding: capped(uint64(most.binding)), largest: capped(uint64(most.buffer))}, nil
}
