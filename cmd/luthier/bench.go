package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"luthier/backend"
)

// benchOptions are what bench is told.
type benchOptions struct {
	model   string
	method  string
	batch   int
	length  int
	layers  int
	seconds float64
	profile bool
}

func (a *app) benchCmd() *cobra.Command {
	o := &benchOptions{}
	c := &cobra.Command{
		Use:   "bench [matmul|step|zeroth]",
		Short: "Measure matmul rates at the shapes of real models, and whole training steps",
		Long: "Measures matmuls (forward, input gradient, weight gradient) at the shapes of MiniLM-L6 and SmolLM2-135M, and training steps of a model of\n" +
			"those shapes with random weights, in tokens per second and as a share of the rate that its matmuls reach alone. `bench zeroth` measures\n" +
			"training without gradients instead: MeZO steps beside one forward pass of the same batch and beside AdamW, in time and planned memory.",
		ValidArgs: []string{"matmul", "step", "zeroth"},
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && !slices.Contains(c.ValidArgs, args[0]) {
				return usage("bench %s: want one of %s, or nothing for the first two", strings.Join(args, " "), strings.Join(c.ValidArgs, ", "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			what := ""
			if len(args) > 0 {
				what = args[0]
			}
			return a.bench(c.Context(), o, what)
		},
	}
	flags := set(func(f *pflagSet) {
		f.StringVar(&o.model, "model", "", "shapes of minilm-l6 or smollm2-135m, or a model directory (default: both)")
		f.StringVar(&o.method, "method", a.choice.method.Name(), "fine-tuning method of the steps")
		f.IntVar(&o.batch, "batch-size", 0, "sequences of a batch (default: 32 for minilm-l6, 4 for smollm2-135m)")
		f.IntVar(&o.length, "max-length", 0, "tokens of a sequence (default: 64 for minilm-l6, 128 for smollm2-135m)")
		f.IntVar(&o.layers, "layers", 0, "layers of the steps' model (default: all)")
		f.Float64Var(&o.seconds, "seconds", 1, "how long to measure each line")
		f.BoolVar(&o.profile, "profile", false, "show where a step's time goes, by kernel and by part of the model")
		a.choice.method.Flags(f)
	})
	grouped(c, group{"Bench", flags})
	return c
}

// check refuses sizes that mean nothing.
func (o *benchOptions) check() error {
	switch {
	case o.batch < 0 || o.batch > 1<<12 || o.length < 0 || o.length > 1<<16 || o.layers < 0 || o.layers > 1<<10:
		return usage("bench: --batch-size, --max-length and --layers want small positive numbers")
	case !(o.seconds > 0 && o.seconds <= 600):
		return usage("--seconds %g: want a positive number up to 600", o.seconds)
	}
	return nil
}

func (a *app) bench(ctx context.Context, o *benchOptions, what string) error {
	if err := o.check(); err != nil {
		return err
	}
	shapes, err := o.presets()
	if err != nil {
		return err
	}
	d, mem, err := a.openDevice()
	if err != nil {
		return err
	}
	defer d.Close()
	a.say("adapter:  %s", describe(d.Info()))
	out := map[string]any{"adapter": adapterJSON(d.Info())}
	for _, p := range shapes {
		if what == "zeroth" {
			if out[p.name], err = a.benchZeroth(ctx, d, mem, p, o); err != nil {
				return err
			}
			continue
		}
		rates, err := a.benchMatmul(ctx, d, p, o.seconds, what != "step")
		if err != nil {
			return err
		}
		result := map[string]any{"matmul": rates}
		if what != "matmul" {
			if result["step"], err = a.benchStep(ctx, d, mem, p, o, rates); err != nil {
				return err
			}
		}
		out[p.name] = result
	}
	if a.json {
		a.emit(out)
	}
	return nil
}

// took is how long one run of something takes.
type took struct {
	wall time.Duration
	cpu  time.Duration // processor time of all threads, on a software adapter; else 0
}

// cost is what rates and shares are made of: processor time where it is known, since other work on the machine changes the wall time of both
// sides of a comparison, and not alike.
func (t took) cost() time.Duration {
	if t.cpu > 0 {
		return t.cpu
	}
	return t.wall
}

// bursts is how many stretches clock measures: the fastest counts.
const bursts = 3

// clock repeats run until it took the given time, in a few bursts each of which ends with a wait for the device, and returns how long one run
// took in the fastest. One run before is not counted: it compiles.
func clock(ctx context.Context, d backend.Device, seconds float64, run func() error) (took, error) {
	burst := func(n int) (took, error) {
		began, used := time.Now(), processorTime()
		for range n {
			if err := run(); err != nil {
				return took{}, err
			}
		}
		err := d.Wait(ctx)
		t := took{wall: time.Since(began) / time.Duration(n)}
		if d.Info().Class == backend.Software {
			t.cpu = (processorTime() - used) / time.Duration(n)
		}
		return t, err
	}
	if _, err := burst(1); err != nil {
		return took{}, err
	}
	best, err := burst(1)
	n := max(1, min(1<<16, int(seconds/bursts/max(best.wall.Seconds(), 1e-6))))
	for range bursts {
		if err != nil {
			return best, err
		}
		var t took
		t, err = burst(n)
		best = took{min(best.wall, t.wall), min(best.cpu, t.cpu)}
	}
	return best, err
}
