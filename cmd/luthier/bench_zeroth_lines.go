package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// zerothLine is one thing that bench zeroth measures, beside one forward pass of the same batch.
type zerothLine struct {
	Method  string  `json:"method"`
	What    string  `json:"what"` // forward, mezo apart, mezo together, adamw
	Seconds float64 `json:"seconds,omitempty"`
	CPU     float64 `json:"processor_seconds,omitempty"` // of software adapters, which work in this process
	Ratio   float64 `json:"forwards,omitempty"`          // times one forward: by processor time where it is known, which other work does not stretch
	Bytes   int64   `json:"memory_bytes"`
	Memory  float64 `json:"inferences"`             // times inference
	Update  float64 `json:"update_share,omitempty"` // of a step: adding the noise to the weights
	Noise   float64 `json:"noise_share,omitempty"`  // of a perturbed forward: making the noise
	Note    string  `json:"note,omitempty"`         // why there is no time
	run     func() error
	times   []time.Duration
	cpu     []time.Duration
}

// cost is what ratios are made of.
func (l *zerothLine) cost() float64 {
	if t := median(l.cpu); t > 0 {
		return t.Seconds()
	}
	return median(l.times).Seconds()
}

// zerothRate is all of one model.
type zerothRate struct {
	Model  string        `json:"model"`
	Batch  int           `json:"batch_size"`
	Length int           `json:"length"`
	Layers int           `json:"layers"`
	Rounds int           `json:"rounds"` // that each time is the median of
	Lines  []*zerothLine `json:"lines"`
}

func median(ts []time.Duration) time.Duration {
	if len(ts) == 0 {
		return 0
	}
	s := slices.Clone(ts)
	slices.SortFunc(s, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	return s[len(s)/2]
}

// showZeroth prints the table.
func (a *app) showZeroth(r *zerothRate) {
	if a.json {
		return
	}
	a.say("\nforward-only training of %s, %d layers, %d x %d tokens; medians of %d rounds in turn, after %d:", r.Model, r.Layers, r.Batch, r.Length,
		r.Rounds, warmRounds)
	cells := [][]string{{"method", "step", "time", "processor", "forwards", "noise", "update", "memory", "inferences"}}
	for _, l := range r.Lines {
		row := []string{l.Method, l.What, "-", "-", "-", "", "", bytesText(l.Bytes), fmt.Sprintf("%.3f", l.Memory)}
		if l.run != nil {
			row[2], row[4] = fmt.Sprintf("%.1f ms", 1e3*l.Seconds), fmt.Sprintf("%.3f", l.Ratio)
			if l.CPU > 0 {
				row[3] = fmt.Sprintf("%.1f ms", 1e3*l.CPU)
			}
		}
		if l.Update > 0 {
			row[5], row[6] = fmt.Sprintf("%.1f %%", 100*l.Noise), fmt.Sprintf("%.1f %%", 100*l.Update)
		}
		cells = append(cells, row)
	}
	a.table(cells)
	for _, l := range r.Lines {
		if l.Note != "" {
			a.say("%s, %s: no time, it %s what is measured", l.Method, l.What, l.Note)
		}
	}
	a.say("processor: of this process, which a software adapter works in; forwards: times one forward pass of the same batch (by processor time\n" +
		"where it is known); noise: of a perturbed forward pass, each dispatch by itself; update: of a step; inferences: planned bytes, times\n" +
		"those of evaluating the same batch")
}
