package webgpu

import (
	"context"
	"fmt"
	"time"

	"luthier/backend"
)

const (
	submitTarget = 200 * time.Millisecond // of device time in one submit: Windows resets a device after 2 s
	submitMost   = 64                     // dispatches in one submit
	flopsPerByte = 4                      // what a byte of bound memory counts, between a software adapter (2) and a large GPU (20)
	inFlight     = 4                      // submits not yet done
)

// queue follows the submits and learns how fast the device is.
type queue struct {
	submitted, done uint64
	rate            float64 // of cost a second, learnt
	running         []sent  // submits not known to be done
	doneAt          time.Time
	maxSubmit       time.Duration // longest submit measured while waiting
}

type sent struct {
	cost float64 // flops, and bytes as flopsPerByte each
	at   time.Time
}

// startRates are low guesses; the first measured submits correct them.
var startRates = map[backend.Class]float64{backend.Software: 2e9, backend.Intel: 5e10, backend.Apple: 2e11, backend.AMD: 2e11,
	backend.OtherGPU: 1e11, backend.NVIDIA: 5e11}

func (q *queue) init(c backend.Class) { q.rate = startRates[c] }

// learn moves the rate towards what a submit showed, at most by half or double: a first dispatch may hold a compilation.
func (q *queue) learn(cost float64, took time.Duration) {
	q.maxSubmit = max(q.maxSubmit, took)
	if cost < q.rate*1e-3 || took <= 0 {
		return // too small to tell
	}
	q.rate = min(max(cost/took.Seconds(), q.rate/2), q.rate*2)
}

// Run queues every dispatch of r in order.
func (d *Device) Run(ctx context.Context, r *backend.Recording) (err error) {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave(&err, "run")
	p, err := d.prepare(r)
	if err != nil {
		return err
	}
	if err := d.settle(); err != nil {
		return err
	}
	for i := 0; i < len(p.steps); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := d.cut(p.steps[i:])
		if err := d.encode(ctx, p, i, i+n); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// cut says how many of the next steps go into one submit.
func (d *Device) cut(steps []step) (n int) {
	budget := d.queue.rate * submitTarget.Seconds()
	for n < len(steps) && n < submitMost {
		if budget -= steps[n].cost; budget < 0 && n > 0 {
			break
		}
		n++
	}
	return n
}

// encode submits steps [from, to) in one compute pass; the library orders dispatches that share memory.
func (d *Device) encode(ctx context.Context, p *prepared, from, to int) error {
	e, err := d.gpu.encoder()
	if err != nil {
		return err
	}
	e.begin()
	cost := 0.0
	for i := from; i < to; i++ {
		s := &p.steps[i]
		e.dispatch(s.pipe.native, s.group.native, s.offsets, p.rec.Dispatches[i].Groups)
		cost += s.cost
	}
	d.witness.count(e)
	if err := e.end(); err != nil {
		e.release()
		return fmt.Errorf("dispatches %d to %d of%s: %w", from, to-1, kernelNames(p.rec.Dispatches[from:to]), err)
	}
	d.stats.Dispatches += to - from
	return d.submit(ctx, e, cost)
}

// kernelNames names what a failed pass held, each kernel with the label of its first dispatch.
func kernelNames(xs []backend.Dispatch) string {
	text, seen := "", map[string]bool{}
	for _, x := range xs {
		if !seen[x.Kernel.Key] {
			seen[x.Kernel.Key] = true
			text += fmt.Sprintf(" shaders/%s.wgsl (%s)", x.Kernel.Name, x.Label)
		}
	}
	return text
}

// submit queues e and then waits until no more than inFlight submits are out.
func (d *Device) submit(ctx context.Context, e encoder, cost float64) error {
	start := time.Now()
	if err := d.gpu.submit(e); err != nil {
		return err
	}
	waited := time.Since(start) > time.Millisecond // Mesa's software adapter lets a submit wait for the one before
	d.stats.Submits++
	d.staging.written = 0
	d.queue.submitted++
	d.queue.running = append(d.queue.running, sent{cost, time.Now()})
	if err := d.poll(waited); err != nil {
		return err
	}
	return d.until(ctx, func() bool { return d.queue.submitted-d.queue.done <= inFlight })
}

// poll takes note of finished submits. With watched set the caller polls often enough that their times mean something.
func (d *Device) poll(watched bool) error {
	done, err := d.gpu.poll()
	if err != nil {
		return err
	}
	q := &d.queue
	now := time.Now()
	n := int(done - q.done)
	for i := 0; i < n; i++ {
		s := q.running[i]
		if watched && n == 1 {
			start := s.at
			if q.doneAt.After(start) {
				start = q.doneAt
			}
			q.learn(s.cost, now.Sub(start))
		}
	}
	if n > 0 {
		q.running = append(q.running[:0], q.running[n:]...)
		q.done, q.doneAt = done, now
	}
	d.reap()
	if d.gpu.lost() != "" {
		return backend.ErrDeviceLost
	}
	return nil
}

// until polls, with sleeps that grow from 20 us to 1 ms, until ok. It never blocks in the library.
func (d *Device) until(ctx context.Context, ok func() bool) error {
	wait := 20 * time.Microsecond
	for !ok() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.poll(true); err != nil {
			return err
		}
		if ok() {
			return nil
		}
		pause(wait)
		wait = min(wait*5/4, time.Millisecond)
	}
	return nil
}

// idle waits for all submits and for the readbacks that nobody waits for.
func (d *Device) idle(ctx context.Context) error {
	return d.until(ctx, func() bool { return d.queue.done == d.queue.submitted && len(d.staging.orphans) == 0 })
}

// Wait returns when all queued work is done.
func (d *Device) Wait(ctx context.Context) (err error) {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave(&err, "wait")
	if err := d.settle(); err != nil {
		return err
	}
	if err := d.idle(ctx); err != nil {
		return err
	}
	return d.collect()
}
