package zeroth

import (
	"fmt"
	"github.com/spf13/pflag"
	"math"
)

var _ = register(Variant{Name: "hizoo", Paper: "Zhao et al. 2024, 2402.15173", About: "perturbation and step divided by the root of a running curvature, one number for all weights: no memory",
	Defaults: func(o *Options) { o.Alpha = 1e-8 }, oneWay: true, ownNoise: true, single: true,
	update: func(o *Options) Update { return Update{Rule: Curvature, Alpha: o.Alpha} },
	flags: func(o *Options, f *pflag.FlagSet) {
		f.Float64Var(&o.Alpha, "hizoo-alpha", o.Alpha, "share of a step's curvature in the running one, a single number for all weights: no memory. The paper's number a weight, from gaussian noise, is not there")
	},
	rule: func(o *Options) rule { return hizoo{} }})

// hizoo has a curvature H a weight, 1 at first (2402.15173, algorithm 1): it looks at the losses at theta +- eps z / sqrt(H) and at theta,
//
//	H <- (1 - alpha) H + alpha c H z^2, c = |L+ + L- - 2 L0| / (2 eps^2)
//	w <- w - lr g z / sqrt(H), g = (L+ - L-) / (2 eps)
//
// With z in {-1, +1} z^2 is 1, so that all weights have the same H: one number, which follows from the log (Update.curvature). What is left
// of the method is an adaptive step and perturbation, and not the diagonal that the paper takes from Gaussian z. That would want an f32 a
// weight, and its roots and quotients differ between adapters: such a run could not be replayed to the bit.
type hizoo struct{}

func (hizoo) check(o *Options) error {
	switch {
	case o.Directions != 1:
		return fmt.Errorf("--directions %d: hizoo takes one direction a step", o.Directions)
	case o.Noise != Rademacher:
		return fmt.Errorf("--noise %s: hizoo keeps its curvature as one number, which wants rademacher, whose square is 1 for every weight; a number a weight is not there", o.Noise)
	case !(o.Alpha >= 0 && o.Alpha < 1):
		return fmt.Errorf("--hizoo-alpha %g: want a share in [0, 1)", o.Alpha)
	}
	return nil
}

// measure returns two records: the slope g, and the curvature seen, c, in place of g.
func (hizoo) measure(p *probe) ([]Record, float64, error) {
	eps, seed := p.s.o.Eps, p.seed(0)
	base, err := p.at(0, 0)
	if err != nil {
		return nil, 0, err
	}
	plus, minus, err := p.pair(seed, eps/math.Sqrt(p.s.Header.Update.curvature(p.s.records)))
	if err != nil {
		return nil, 0, err
	}
	c := math.Abs(plus+minus-2*base) / (2 * eps * eps)
	return []Record{p.record(seed, (plus-minus)/(2*eps)), p.record(seed, c)}, (plus + minus) / 2, nil
}

// curvature is H after the steps of the records.
func (u *Update) curvature(rs []Record) float64 {
	h := 1.0
	for _, now := range Steps(rs) {
		if len(now) == 2 && !skipped(now) {
			h *= float64(1-u.Alpha) + float64(u.Alpha*float64(now[1].G))
		}
	}
	return h
}

// curved is the one addition of a step under rule Curvature.
func (h *Header) curved(past, now []Record) ([]Term, error) {
	if len(now) != 2 {
		return nil, fmt.Errorf("step %d: %d records, rule %s has two: a slope and a curvature", now[0].Step, len(now), Curvature)
	}
	f := float64(1-h.Update.Alpha) + float64(h.Update.Alpha*float64(now[1].G))
	return h.weighted(nil, now[:1], 1/math.Sqrt(h.Update.curvature(past)*f), float64(now[0].LR))
}
