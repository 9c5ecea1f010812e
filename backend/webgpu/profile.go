package webgpu

import (
	"context"
	"time"

	"luthier/backend"
)

// Profile runs each dispatch of r in a submit of its own and returns how long each took, less what an empty submit takes. now is a clock that
// only grows, nil for the wall's, which is good to about 50 us; the processor time of the process is a software adapter's better one. Run r
// once before, so that no compilation is timed.
func (d *Device) Profile(ctx context.Context, r *backend.Recording, now func() time.Duration) (times []time.Duration, err error) {
	if began := time.Now(); now == nil {
		now = func() time.Duration { return time.Since(began) }
	}
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
		start := now()
		if err := d.encode(ctx, p, 0, 0); err != nil {
			return nil, err
		}
		if err := d.idle(ctx); err != nil {
			return nil, err
		}
		empty = min(empty, now()-start)
	}
	for i := range p.steps {
		start := now()
		if err := d.encode(ctx, p, i, i+1); err != nil {
			return nil, err
		}
		if err := d.idle(ctx); err != nil {
			return nil, err
		}
		times = append(times, max(now()-start-empty, 0))
	}
	return times, nil
}
