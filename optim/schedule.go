package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Schedule is a learning rate as a function of the step.
type Schedule struct {
	Kind   string // one of Schedules
	Peak   float64
	Warmup int // optimizer steps from 0 to the peak
	Total  int // optimizer steps of the whole run
}

// Schedules are the known kinds; after the warm-up constant stays, linear and cosine go to 0 at the last step. constant_with_warmup is
// constant by the name that transformers has for it: its own constant leaves a warm-up out.
var Schedules = []string{"constant", "linear", "cosine", "constant_with_warmup"}

// Constant tells whether the rate stays at the peak after the warm-up, wherever the run ends.
func (s Schedule) Constant() bool { return s.Kind == "constant" || s.Kind == "constant_with_warmup" }

// Check refuses what cannot train.
func (s Schedule) Check() error {
	switch {
	case !slices.Contains(Schedules, s.Kind):
		return fmt.Errorf("lr-scheduler-type %q is not known: have %s", s.Kind, strings.Join(Schedules, ", "))
	case !(s.Peak > 0) || math.IsInf(s.Peak, 0):
		return fmt.Errorf("lr %g: want a positive number", s.Peak)
	case s.Warmup < 0 || (s.Total > 0 && s.Warmup > s.Total):
		return fmt.Errorf("warmup-steps %d: want 0 to the run's %d steps", s.Warmup, s.Total)
	}
	return nil
}

// LR is the learning rate of step i, counted from 0, as transformers' schedulers give it: i / warmup up to the peak, then down so that
// step Total would be 0.
func (s Schedule) LR(i int) float64 {
	if i < s.Warmup {
		return s.Peak * float64(i) / float64(max(1, s.Warmup))
	}
	rest := float64(max(1, s.Total-s.Warmup))
	done := float64(i - s.Warmup)
	switch s.Kind {
	case "linear":
		return s.Peak * math.Max(0, (rest-done)/rest)
	case "cosine":
		return s.Peak * math.Max(0, 0.5*(1+math.Cos(math.Pi*done/rest)))
	}
	return s.Peak
}
