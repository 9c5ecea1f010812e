package main

import (
	"context"
	"slices"
	"time"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/graph"
	"luthier/peft"
	"luthier/train"
	"luthier/zeroth"
)

// warmRounds compile and let caches fill; they are not counted.
const warmRounds = 2

// benchZeroth measures training without gradients against inference and against AdamW, of all weights and of the chosen adapter.
func (a *app) benchZeroth(ctx context.Context, d backend.Device, mem budget, p preset, o *benchOptions) (*zerothRate, error) {
	p, cleanup, err := p.onDisk()
	if err != nil {
		return nil, err
	}
	defer cleanup()
	out := &zerothRate{Model: p.name, Batch: p.batch, Length: p.length}
	full, err := peft.New("full")
	if err != nil {
		return nil, err
	}
	methods := []peft.Method{full}
	if a.choice.method.Name() != full.Name() {
		methods = append(methods, a.choice.method)
	}
	for _, m := range methods {
		b := &zerothBench{a: a, d: d, mem: mem, p: p, o: o, method: m}
		lines, rounds, err := b.measure(ctx)
		b.close()
		if err != nil {
			return nil, err
		}
		out.Lines, out.Rounds, out.Layers = append(out.Lines, lines...), rounds, b.layers
	}
	a.showZeroth(out)
	return out, nil
}

// zerothBench holds what is open while one method is measured: everything at once, so that the lines can take turns and what else the
// machine does falls on all alike.
type zerothBench struct {
	a      *app
	d      backend.Device
	mem    budget
	p      preset
	o      *benchOptions
	method peft.Method
	layers int
	batch  *data.Batch
	shape  train.Shape
	n      int
	undo   []func()
}

func (b *zerothBench) close() {
	for _, f := range slices.Backward(b.undo) {
		f()
	}
}

// job opens the model once more with an engine of its own.
func (b *zerothBench) job(forward bool) (*job, error) {
	j, cleanup, err := b.a.benchJob(b.d, b.mem, b.p, b.o, b.method)
	if err != nil {
		return nil, err
	}
	b.undo = append(b.undo, cleanup)
	j.src.weights.KeepType = forward
	j.start(1, data.Bucket(b.p.length))
	b.undo = append(b.undo, j.engine.Close)
	b.layers = j.src.config.Layers
	if b.batch == nil {
		b.batch = randomBatch(b.p, j.src.config.Vocab)
		b.shape = train.Shape{B: b.batch.B, T: b.batch.T}
	}
	return j, nil
}

func (b *zerothBench) measure(ctx context.Context) ([]*zerothLine, int, error) {
	lines, err := b.forwardOnly(ctx)
	if err != nil {
		return nil, 0, err
	}
	adamw, err := b.adamw(ctx, lines[0].Bytes)
	if err != nil {
		return nil, 0, err
	}
	rounds, err := b.takeTurns(append(lines, adamw))
	if err != nil {
		return nil, 0, err
	}
	out := append(lines[:3:3], adamw)
	for _, l := range out {
		l.Method, l.Memory = b.method.Name(), float64(l.Bytes)/float64(lines[0].Bytes)
		if l.run != nil {
			l.Seconds, l.CPU = median(l.times).Seconds(), median(l.cpu).Seconds()
			l.Ratio = l.cost() / lines[0].cost()
		}
	}
	for _, l := range out[1:3] {
		l.Update = lines[3].cost() / l.cost()
	}
	return out, rounds, nil
}

// forwardOnly prepares a forward pass, a step in both arrangements and an update by itself, in one store.
func (b *zerothBench) forwardOnly(ctx context.Context) ([]*zerothLine, error) {
	j, err := b.job(true)
	if err != nil {
		return nil, err
	}
	j.engine.Forward = true
	eval, err := j.engine.EvalPlan(b.shape)
	if err != nil {
		return nil, err
	}
	forward := &zerothLine{What: "forward", Bytes: eval.Total(), run: func() error { _, err := j.engine.Loss(ctx, b.batch); return err }}
	lines, plans := []*zerothLine{forward}, []*graph.Plan{eval}
	var steppers []*zeroth.Stepper
	for _, pairs := range []string{"apart", "together"} {
		z, plan, err := b.stepper(j, pairs)
		if err != nil {
			return nil, err
		}
		line := &zerothLine{What: "mezo " + pairs, Bytes: plan.Total(), run: func() error { return b.step(ctx, z) }}
		lines, plans, steppers = append(lines, line), append(plans, plan), append(steppers, z)
	}
	if err := j.engine.Store.Reserve(plans...); err != nil {
		return nil, err
	}
	if err := j.engine.PrepareEval([]train.Shape{b.shape}); err != nil {
		return nil, err
	}
	for i, z := range steppers {
		if err := z.Prepare([]train.Shape{b.shape}); err != nil {
			return nil, err
		}
		if err := b.step(ctx, z); err != nil {
			return nil, err
		}
		if lines[1+i].Noise, err = b.noiseShare(ctx, z, i == 1); err != nil {
			return nil, err
		}
	}
	_, update := steppers[0].Programs(b.shape)
	run := func() error {
		if err := update.Run(ctx); err != nil {
			return err
		}
		return b.d.Wait(ctx)
	}
	return append(lines, &zerothLine{What: "update", run: run}), nil
}

func (b *zerothBench) stepper(j *job, pairs string) (*zeroth.Stepper, *graph.Plan, error) {
	o, err := zeroth.Defaults("mezo")
	if err != nil {
		return nil, nil, err
	}
	o.Pairs, o.Seed = pairs, 1
	z, err := zeroth.New(j.engine, o)
	if err != nil {
		return nil, nil, err
	}
	plan, err := j.draft(z, b.shape)
	if err != nil {
		return nil, nil, err
	}
	return z, plan.plan, j.fits(z, b.shape, plan.plan.Total())
}

// step takes one step, to its end on the device.
func (b *zerothBench) step(ctx context.Context, f train.Stepper) error {
	b.n++
	if err := f.Step(ctx, b.n, 1e-8, []*data.Batch{b.batch}); err != nil {
		return err
	}
	if _, err := f.Results(ctx, true); err != nil {
		return err
	}
	return b.d.Wait(ctx)
}

// noiseShare is the part of a perturbed forward pass that makes noise and perturbed copies, by timing each dispatch alone. 0 where the
// device has no clock.
func (b *zerothBench) noiseShare(ctx context.Context, z *zeroth.Stepper, together bool) (float64, error) {
	w, ok := b.d.(*webgpu.Device)
	if !ok {
		return 0, nil
	}
	shape := b.shape
	if together {
		shape.B *= 2
	}
	f, _ := z.Programs(shape)
	times, err := w.Profile(ctx, f.Recording(), profileClock(w))
	if err != nil {
		return 0, err
	}
	noise, all := 0.0, 0.0
	for i, t := range times {
		all += t.Seconds()
		if name := f.Recording().Dispatches[i].Kernel.Name; name == "zo_noise" || name == "zo_copy" {
			noise += t.Seconds()
		}
	}
	return noise / all, nil
}

// adamw prepares a step by gradients beside what is open, which takes beside bytes, where the memory allows both.
func (b *zerothBench) adamw(ctx context.Context, beside int64) (*zerothLine, error) {
	j, err := b.job(false)
	if err != nil {
		return nil, err
	}
	f := train.NewFirstOrder(j.engine, mustAdamW(), train.FirstOrderOptions{MaxGradNorm: 1})
	line := &zerothLine{What: "adamw"}
	plan, err := j.draft(f, b.shape)
	if err != nil {
		return nil, err
	}
	if line.Bytes = plan.plan.Total(); line.Bytes+beside > j.limit() {
		line.Note = "does not fit beside"
		return line, nil
	}
	if err := f.Prepare([]train.Shape{b.shape}); err != nil {
		return nil, err
	}
	line.run = func() error { return b.step(ctx, f) }
	return line, nil
}

// takeTurns runs every line once a round until all had their share of time, at least five rounds after the warm-up.
func (b *zerothBench) takeTurns(lines []*zerothLine) (rounds int, err error) {
	var began time.Time
	for round := -warmRounds; ; round++ {
		if round == 0 {
			began = time.Now()
		}
		if round >= 5 && (time.Since(began).Seconds() > b.o.seconds*float64(len(lines)) || round >= 200) {
			return round, nil
		}
		for _, l := range lines {
			if l.run == nil {
				continue
			}
			start, used := time.Now(), processorTime()
			if err := l.run(); err != nil {
				return 0, err
			}
			if round < 0 {
				continue
			}
			l.times = append(l.times, time.Since(start))
			if b.d.Info().Class == backend.Software {
				l.cpu = append(l.cpu, processorTime()-used)
			}
		}
	}
}
