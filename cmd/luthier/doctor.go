package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/internal/parity"
)

func (a *app) doctorCmd() *cobra.Command {
	var list bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Show the adapters and check every kernel on yours against float64",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			infos, err := webgpu.List()
			if err != nil {
				return err
			}
			if list {
				return a.showAdapters(infos)
			}
			return a.doctor(c.Context(), infos)
		},
	}
	c.Flags().BoolVar(&list, "list", false, "only list the adapters")
	return c
}

type adapterJSON struct {
	Index      int           `json:"index"`
	Name       string        `json:"name"`
	Vendor     string        `json:"vendor"`
	Driver     string        `json:"driver"`
	Backend    string        `json:"backend"`
	Class      backend.Class `json:"class"`
	Integrated bool          `json:"integrated"`
}

func (a *app) showAdapters(infos []backend.Info) error {
	if a.json {
		out := []adapterJSON{}
		for _, i := range infos {
			out = append(out, adapterJSON(i))
		}
		a.emit(map[string]any{"adapters": out})
		return nil
	}
	rows := [][]string{{"index", "name", "backend", "class", "driver"}}
	for _, i := range infos {
		rows = append(rows, []string{fmt.Sprint(i.Index), i.Name, i.Backend, string(i.Class), i.Driver})
	}
	a.table(rows)
	if len(infos) == 0 {
		a.say("none: install a Vulkan driver (Mesa's software adapter will do: sh scripts/install_adapter.sh)")
	}
	return nil
}

// verdict is the outcome of one kernel's cases.
type verdict struct {
	Kernel  string   `json:"kernel"`
	Cases   int      `json:"cases"`
	Worst   float64  `json:"worst_error"` // of the tolerance
	Failed  []string `json:"failed,omitempty"`
	Seconds float64  `json:"seconds"`
}

func (a *app) doctor(ctx context.Context, infos []backend.Info) error {
	if !a.json {
		if err := a.showAdapters(infos); err != nil {
			return err
		}
	}
	d, mem, err := a.openDevice()
	if err != nil {
		return err
	}
	defer d.Close()
	l := d.Limits()
	a.say("\nchecked:  %s, on %s/%s", describe(d.Info()), runtime.GOOS, runtime.GOARCH)
	a.say("limits:   binding %s, buffer %s, %d threads and %s of shared memory a workgroup, %d storage buffers a kernel",
		bytesText(l.MaxBinding), limitText(l.MaxBuffer), l.MaxThreads, bytesText(int64(l.Shared)), l.Storage)
	if mem.bytes > 0 {
		a.say("memory:   %s (%s)", bytesText(mem.bytes), mem.from)
	}
	began := time.Now()
	verdicts, failed, err := a.checkKernels(ctx, d)
	if err != nil {
		return err
	}
	cases := 0
	for _, v := range verdicts {
		cases += v.Cases
	}
	if a.json {
		a.emit(map[string]any{"adapter": adapterJSON(d.Info()), "limits": l, "memory_bytes": mem.bytes, "kernels": verdicts, "ok": failed == 0})
	}
	if failed > 0 {
		return &codeError{exitAdapter, fmt.Errorf("%d of %d kernels give wrong results on %s: do not train on it; try another driver version or --device",
			failed, len(verdicts), d.Info().Name)}
	}
	a.say("all %d kernels are right in %d cases (%.1f s)", len(verdicts), cases, time.Since(began).Seconds())
	return nil
}

// checkKernels runs every case of every kernel. A device that is lost ends the check, any other fault is the kernel's.
func (a *app) checkKernels(ctx context.Context, d backend.Device) (out []verdict, failed int, err error) {
	kernels := parity.Kernels()
	live := a.live(len(kernels), "checking kernels")
	for _, k := range kernels {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		live.note(k)
		v := checkKernel(ctx, d, k)
		if len(v.Failed) > 0 {
			failed++
		}
		out = append(out, v)
		live.add(1)
		if err := d.Wait(ctx); err != nil {
			live.end()
			return nil, 0, fmt.Errorf("after kernel %s: %w", k, err)
		}
	}
	live.end()
	if a.json {
		return out, failed, nil
	}
	rows := [][]string{{"kernel", "cases", "worst error, of the tolerance", ""}}
	for _, v := range out {
		state := "ok"
		if len(v.Failed) > 0 {
			state = "WRONG: " + v.Failed[0]
		}
		rows = append(rows, []string{v.Kernel, fmt.Sprint(v.Cases), fmt.Sprintf("%.0f %%", 100*v.Worst), state})
	}
	a.table(rows)
	return out, failed, nil
}

func checkKernel(ctx context.Context, d backend.Device, kernel string) verdict {
	began := time.Now()
	v := verdict{Kernel: kernel}
	for _, c := range parity.Cases(kernel) {
		v.Cases++
		r, err := parity.Run(ctx, d, c)
		switch {
		case err != nil:
			v.Failed = append(v.Failed, fmt.Sprintf("%s: %v", c.Name, err))
		case !r.Ok():
			v.Failed = append(v.Failed, fmt.Sprintf("%s: %s off by %.2g, allowed %.2g", c.Name, r.Output, r.Err, r.Tol))
		}
		if share := r.Err / max(r.Tol, 1e-300); err == nil && r.Err > 0 {
			v.Worst = max(v.Worst, min(share, 1e9))
		}
	}
	v.Seconds = time.Since(began).Seconds()
	return v
}

// limitText is a size, or says that the driver sets none.
func limitText(n int64) string {
	if n >= backend.NoLimit {
		return "without limit"
	}
	return bytesText(n)
}
