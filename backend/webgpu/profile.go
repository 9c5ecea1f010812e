package webgpu

import (
	"context"
	"time"

	"luthier/backend"
)

// Profile runs each dispatch of r in a submit of its own and returns how long each took, less what an empty submit takes. It is wall
// time, good to about 50 us; run r once before, so that no compilation is timed.
func (d *Device) Profile(ctx context.Context, r *backend.Recording) (times []time.Duration, err error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave(&err, "profile")
	p, err := d.prepare(r)
	if err != nil {
		return nil, err
	}
	if err := d.settle(); err != nil {
		return nil, err
	}
	if err := d.idle(ctx); err != nil {
		return nil, err
	}
	empty := time.Hour
	for range 8 {
		start := time.Now()
		if err := d.encode(ctx, p, 0, 0); err != nil {
			return nil, err
		}
		if err := d.idle(ctx); err != nil {
			return nil, err
		}
		empty = min(empty, time.Since(start))
	}
	for i := range p.steps {
		start := time.Now()
		if err := d.encode(ctx, p, i, i+1); err != nil {
			return nil, err
		}
		if err := d.idle(ctx); err != nil {
			return nil, err
		}
		times = append(times, max(time.Since(start)-empty, 0))
	}
	return times, nil
}
