package webgpu

import (
	"fmt"

	"luthier/backend"
)

// needs is what the kernels take at most. It is what WebGPU promises of every adapter; old drivers are listed that have less.
var needs = backend.Limits{Storage: 8, MaxThreads: 256, Shared: 16 << 10}

// lacks says what an adapter has too little of for the kernels, "" for nothing.
func (c candidate) lacks() string {
	for _, l := range []struct {
		what       string
		want, have uint32
	}{
		{"storage buffers in a kernel", needs.Storage, c.limits.Storage},
		{"threads in a workgroup", needs.MaxThreads, c.limits.MaxThreads},
		{"bytes of workgroup memory", needs.Shared, c.limits.Shared},
	} {
		if l.have < l.want {
			return fmt.Sprintf("it allows %d %s, luthier needs %d", l.have, l.what, l.want)
		}
	}
	return ""
}

// refused is the error of an adapter that lacks something.
func (c candidate) refused() error {
	if why := c.lacks(); why != "" {
		return fmt.Errorf("%w: %s: %s: update its driver, or choose another adapter with --device (luthier doctor --list shows them)",
			backend.ErrNoAdapter, c.info.Name, why)
	}
	return nil
}
