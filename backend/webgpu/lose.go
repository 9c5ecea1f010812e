package webgpu

// Lose destroys all of the device's memory behind its back, as a driver reset would: the next Run that needs any of it fails with
// backend.ErrDeviceLost, and so does everything after it. It is for tests of what a program does then. The library's own device destroy
// does nothing in the version that is bound: work goes on after it.
func (d *Device) Lose() {
	all := append([]*raw(nil), d.mem.arenas...)
	for r := range d.mem.big {
		all = append(all, r)
	}
	for _, r := range all {
		if x, ok := r.native.(interface{ Destroy() }); ok {
			x.Destroy()
		}
	}
}
