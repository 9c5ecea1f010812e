package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sort"
	"strings"
	"time"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/data"
	"luthier/optim"
	"luthier/peft"
	"luthier/train"
)

// stepRate is what a whole training step reaches.
type stepRate struct {
	Model        string             `json:"model"`
	Method       string             `json:"method"`
	Batch        int                `json:"batch_size"`
	Length       int                `json:"length"`
	FirstStep    float64            `json:"first_step_seconds"` // planning, upload and compilation included
	Seconds      float64            `json:"seconds"`
	CPU          float64            `json:"processor_seconds,omitempty"`
	TokensPerSec float64            `json:"tokens_per_s"`
	GFLOPS       float64            `json:"gflops_per_s"`
	Share        float64            `json:"share_of_matmul_rate"` // by processor time where it is known
	MemoryBytes  int64              `json:"memory_bytes"`
	Dispatches   int                `json:"dispatches"`
	ByKernel     map[string]float64 `json:"seconds_by_kernel,omitempty"`
	ByPart       map[string]float64 `json:"seconds_by_part,omitempty"`
}

// benchStep trains a few steps on random tokens.
func (a *app) benchStep(ctx context.Context, d backend.Device, mem budget, p preset, o *benchOptions, rates []rate) (*stepRate, error) {
	j, cleanup, err := a.benchJob(d, mem, p, o, a.choice.method)
	if err != nil {
		return nil, err
	}
	defer cleanup()
	began := time.Now()
	j.start(1, data.Bucket(p.length))
	defer j.engine.Close()
	f := train.NewFirstOrder(j.engine, mustAdamW(), train.FirstOrderOptions{MaxGradNorm: 1})
	batch := randomBatch(p, j.src.config.Vocab)
	shape := train.Shape{B: batch.B, T: batch.T}
	plan, err := j.draft(f, shape)
	if err != nil {
		return nil, err
	}
	if err := j.fits(f, shape, plan.plan.Total()); err != nil {
		return nil, err
	}
	if err := f.Prepare([]train.Shape{shape}); err != nil {
		return nil, err
	}
	n := 0
	step := func() error {
		n++
		if err := f.Step(ctx, n, 1e-4, []*data.Batch{batch}); err != nil {
			return err
		}
		_, err := f.Results(ctx, n%16 == 0)
		return err
	}
	if err := step(); err != nil {
		return nil, err
	}
	if err := d.Wait(ctx); err != nil {
		return nil, err
	}
	first := time.Since(began)
	t, err := clock(ctx, d, max(o.seconds, 2), step)
	if err != nil {
		return nil, err
	}
	rec := f.Program(shape).Recording()
	flops := 0.0
	for _, x := range rec.Dispatches {
		flops += x.Flops
	}
	r := &stepRate{Model: p.name, Method: j.method.Name(), Batch: p.batch, Length: p.length, FirstStep: first.Seconds(), Seconds: t.wall.Seconds(),
		CPU: t.cpu.Seconds(), TokensPerSec: float64(p.batch*p.length) / t.wall.Seconds(), GFLOPS: flops / t.wall.Seconds() / 1e9,
		MemoryBytes: plan.plan.Total(), Dispatches: len(rec.Dispatches)}
	alone, cost := matmulRate(rates, j.method.Config() == nil)
	r.Share = flops / t.cost().Seconds() / cost
	if o.profile {
		if err := r.profile(ctx, d, rec); err != nil {
			return nil, err
		}
	}
	a.showStep(r, alone)
	return r, nil
}

func (a *app) showStep(r *stepRate, alone float64) {
	a.say("\ntraining step of %s, %s, %d x %d tokens:", r.Model, r.Method, r.Batch, r.Length)
	a.say("%.0f tokens/s, %.1f ms a step, %.1f GFLOP/s; its matmuls alone reach %.1f GFLOP/s", r.TokensPerSec, 1e3*r.Seconds, r.GFLOPS, alone/1e9)
	if r.CPU > 0 {
		a.say("%.1f ms of processor time a step: %.0f %% of the rate of its matmuls alone, by processor time", 1e3*r.CPU, 100*r.Share)
	} else {
		a.say("%.0f %% of the rate of its matmuls alone", 100*r.Share)
	}
	a.say("first step %.1f s, %d dispatches, %s", r.FirstStep, r.Dispatches, bytesText(r.MemoryBytes))
	for _, by := range []struct {
		title string
		times map[string]float64
	}{{"kernel", r.ByKernel}, {"part", r.ByPart}} {
		if len(by.times) == 0 || a.json {
			continue
		}
		names, total := sortedNames(by.times), 0.0
		for _, t := range by.times {
			total += t
		}
		sort.SliceStable(names, func(i, k int) bool { return by.times[names[i]] > by.times[names[k]] })
		cells := [][]string{{by.title, "ms", "share"}}
		for _, n := range names {
			cells = append(cells, []string{n, fmt.Sprintf("%.2f", 1e3*by.times[n]), fmt.Sprintf("%.1f %%", 100*by.times[n]/total)})
		}
		a.table(cells)
	}
}

// profile times each dispatch alone, the fastest of a few times, and sums by kernel and by part of the model, layers taken together.
func (r *stepRate) profile(ctx context.Context, d backend.Device, rec *backend.Recording) error {
	w, ok := d.(*webgpu.Device)
	if !ok {
		return usage("--profile: the %s device has no clock", d.Info().Name)
	}
	var times []time.Duration
	for range bursts {
		again, err := w.Profile(ctx, rec, profileClock(w))
		if err != nil {
			return err
		}
		for i, t := range again {
			if i == len(times) {
				times = append(times, t)
			}
			times[i] = min(times[i], t)
		}
	}
	r.ByKernel, r.ByPart = map[string]float64{}, map[string]float64{}
	for i, t := range times {
		r.ByKernel[rec.Dispatches[i].Kernel.Name] += t.Seconds()
		r.ByPart[part(rec.Dispatches[i].Label)] += t.Seconds()
	}
	return nil
}

// profileClock is processor time on a software adapter, which other work on the machine hardly touches, else the wall clock.
func profileClock(d backend.Device) func() time.Duration {
	if d.Info().Class == backend.Software && processorTime() > 0 { // 0: a system that does not tell
		return processorTime
	}
	return nil
}

// part is a dispatch's label without the number of its layer.
func part(label string) string {
	names := strings.Split(label, ".")
	for i, n := range names {
		digits, rest, _ := strings.Cut(n, "/")
		if digits != "" && strings.Trim(digits, "0123456789") == "" {
			names[i] = "*"
			if rest != "" {
				names[i] = "*/" + rest
			}
		}
	}
	return strings.Join(names, ".")
}

// onDisk is the preset with a directory, a temporary one where it has no weights.
func (p preset) onDisk() (preset, func(), error) {
	if p.dir != "" {
		return p, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "luthier-bench-")
	if err != nil {
		return p, nil, err
	}
	cleanup := func() { _ = os.RemoveAll(dir) }
	if err := p.write(dir); err != nil {
		cleanup()
		return p, nil, err
	}
	p.dir = dir
	return p, cleanup, nil
}

// benchJob opens the preset's model for a method.
func (a *app) benchJob(d backend.Device, mem budget, p preset, o *benchOptions, m peft.Method) (*job, func(), error) {
	p, cleanup, err := p.onDisk()
	if err != nil {
		return nil, nil, err
	}
	src, err := openSource(p.dir, "", false)
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	if o.layers > 0 {
		src.config.Layers = min(src.config.Layers, o.layers) // the others' weights stay unread
	}
	j := &job{dev: d, budget: mem, src: src, method: m, task: p.task, length: p.length}
	if p.task == "classify" {
		j.labels = plainLabels(2)
	}
	if err := j.method.Setup(src.config, p.task); err != nil {
		src.close()
		cleanup()
		return nil, nil, usage("--method %s: %v", j.method.Name(), err)
	}
	return j, func() { src.close(); cleanup() }, nil
}

func randomBatch(p preset, vocab int) *data.Batch {
	r := rand.New(rand.NewPCG(3, 3))
	seqs := make([]*data.Sequence, p.batch)
	for i := range seqs {
		s := &data.Sequence{IDs: make([]int32, p.length), TypeIDs: make([]int32, p.length), Class: int32(i % 2)}
		for t := range s.IDs {
			s.IDs[t] = int32(r.IntN(vocab))
		}
		if p.task == "clm" {
			s.Labels = append(append([]int32(nil), s.IDs[1:]...), data.Ignore)
		}
		seqs[i] = s
	}
	return data.NewBatch(seqs, p.batch, 0, false)
}

func mustAdamW() optim.Optimizer {
	o, err := optim.New("adamw")
	if err != nil {
		panic(err)
	}
	return o
}
