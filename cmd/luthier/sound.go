package main

import (
	"math"
)

// complete checks what train needs beyond what the other commands check.
func (s *trainSettings) complete() error {
	switch {
	case s.model == "" && s.initAdapter == "":
		return usage("--model: give a model directory")
	case s.data == "":
		return usage("--data: give training data")
	case s.out == "":
		return usage("--out: give a directory for the adapter")
	}
	return s.sound()
}

// sound refuses settings of training that cannot be, whatever the model and the data, and settles how schedule and strategies are written.
func (s *trainSettings) sound() error {
	switch {
	case !(s.lr > 0) || math.IsInf(s.lr, 1):
		return usage("--lr %g: want a positive number", s.lr)
	case s.accumulate < 1:
		return usage("--accumulate %d: want at least 1", s.accumulate)
	case s.maxSteps < 0:
		return usage("--max-steps %d: want a positive number", s.maxSteps)
	case s.maxSteps == 0 && !(s.epochs > 0 && s.epochs <= 1e6):
		return usage("--epochs %g: want a positive number, or --max-steps", s.epochs)
	case !(s.warmupRatio >= 0 && s.warmupRatio <= 1):
		return usage("--warmup-ratio %g: want a share from 0 to 1", s.warmupRatio)
	case s.warmupSteps > 0 && s.warmupRatio > 0:
		return usage("--warmup-steps and --warmup-ratio: give one")
	case !(s.maxGradNorm >= 0):
		return usage("--max-grad-norm %g: want a number of at least 0", s.maxGradNorm)
	case !(s.smoothing >= 0 && s.smoothing < 1):
		return usage("--label-smoothing %g: want a share from 0 to 1", s.smoothing)
	}
	for _, n := range []struct {
		flag string
		v    int
	}{{"log-steps", s.logSteps}, {"eval-steps", s.evalSteps}, {"save-steps", s.saveSteps}, {"save-total-limit", s.saveLimit}, {"patience", s.patience},
		{"warmup-steps", s.warmupSteps}} {
		if n.v < 0 {
			return usage("--%s %d: want a number of at least 0", n.flag, n.v)
		}
	}
	if _, err := s.reportsTo(); err != nil {
		return err
	}
	return s.strategies()
}
