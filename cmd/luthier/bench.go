package main

import (
	"context"
	"fmt"
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
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"matmul", "step", "zeroth"},
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

// clock repeats run until it took the given time, waits for the device, and returns how long one took. One run before is not counted: it
// compiles.
func clock(ctx context.Context, d backend.Device, seconds float64, run func() error) (time.Duration, error) {
	burst := func(n int) (time.Duration, error) {
		began := time.Now()
		for range n {
			if err := run(); err != nil {
				return 0, err
			}
		}
		err := d.Wait(ctx)
		return time.Since(began), err
	}
	if _, err := burst(1); err != nil {
		return 0, err
	}
	one, err := burst(1)
	if err != nil {
		return 0, err
	}
	n := max(1, min(1<<16, int(seconds/max(one.Seconds(), 1e-6))))
	all, err := burst(n)
	return all / time.Duration(n), err
}

// gflops writes a rate.
func gflops(flops float64, t time.Duration) string {
	return fmt.Sprintf("%.1f GFLOP/s", flops/t.Seconds()/1e9)
}
