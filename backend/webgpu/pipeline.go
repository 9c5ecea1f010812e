package webgpu

import (
	"fmt"
	"time"

	"luthier/shaders"
)

// pipeline is a compiled kernel instance.
type pipeline struct {
	native handle
	layout handle
	sig    string // of the layout; bind groups are shared between pipelines of one signature
	source string
}

// pipelineOf compiles k unless it is compiled.
func (d *Device) pipelineOf(k *shaders.Kernel) (*pipeline, error) {
	if p := d.pipelines[k.Key]; p != nil {
		if p.source != k.Source {
			return nil, fmt.Errorf("shaders/%s.wgsl: two instances are called %q", k.Name, k.Key)
		}
		return p, nil
	}
	if err := d.fits(k); err != nil {
		return nil, fmt.Errorf("shaders/%s.wgsl (%s): %w", k.Name, k.Key, err)
	}
	at, uniformAt := []uint32{}, -1
	for _, b := range k.Bindings {
		at = append(at, b.Index)
	}
	if k.Uniform != nil {
		uniformAt = int(k.UniformAt)
	}
	sig := fmt.Sprint(at, uniformAt)
	layout := d.layouts[sig]
	if layout == nil {
		var err error
		if layout, err = d.gpu.layout(at, uniformAt); err != nil {
			return nil, fmt.Errorf("shaders/%s.wgsl (%s): %w", k.Name, k.Key, err)
		}
		d.layouts[sig] = layout
	}
	start := time.Now()
	h, err := d.gpu.pipeline(k.DeviceSource(), layout)
	d.stats.PipelineCompileTime += time.Since(start)
	if err != nil {
		return nil, fmt.Errorf("shaders/%s.wgsl (%s): %w", k.Name, k.Key, err)
	}
	d.stats.Pipelines++
	p := &pipeline{h, layout, sig, k.Source}
	d.pipelines[k.Key] = p
	return p, nil
}

// fits holds a kernel against the adapter's limits, so that the message names the kernel.
func (d *Device) fits(k *shaders.Kernel) error {
	threads := int64(k.Workgroup[0]) * int64(k.Workgroup[1]) * int64(k.Workgroup[2])
	for _, c := range []struct {
		what       string
		want, have int64
	}{
		{"threads in a workgroup", threads, int64(d.limits.MaxThreads)},
		{"bytes of workgroup memory", int64(k.Shared), int64(d.limits.Shared)},
		{"storage buffers", int64(len(k.Bindings)), int64(d.limits.Storage)},
	} {
		if c.want > c.have {
			return limitError(c.what, c.want, c.have)
		}
	}
	return nil
}
