package zeroth

import (
	"fmt"
	"math"
)

var _ = register(Variant{Name: "fzoo", Paper: "Dang et al. 2025, 2506.09034", About: "N one-sided directions, the step normalised by the spread of their losses",
	Defaults: func(o *Options) { o.Directions, o.Eps, o.OneSided = 8, 1e-4, true }, oneWay: true, rule: func(o *Options) rule { return fzoo{} }})

// fzoo is g_i = (L_i - L_0) / (N std(L_1 .. L_N)) (2506.09034, algorithm 1): normalised SGD, so that the loss's scale does not matter.
type fzoo struct{}

func (fzoo) check(o *Options) error {
	if o.Directions < 2 {
		return fmt.Errorf("--directions %d: fzoo wants at least 2, whose losses have a spread", o.Directions)
	}
	return nil
}

func (fzoo) measure(p *probe) ([]Record, float64, error) {
	n := p.s.o.Directions
	base, err := p.at(0, 0)
	if err != nil {
		return nil, 0, err
	}
	losses := make([]float64, n)
	mean, spread := 0.0, 0.0
	for i := range losses {
		if losses[i], err = p.at(p.seed(i), p.s.o.Eps); err != nil {
			return nil, 0, err
		}
		mean += losses[i] / float64(n)
	}
	for _, l := range losses {
		spread += (l - mean) * (l - mean) / float64(n-1)
	}
	std := math.Sqrt(spread)
	if std == 0 {
		std = math.Inf(1) // nothing moved: no step
	}
	out := make([]Record, n)
	for i, l := range losses {
		out[i] = p.record(p.seed(i), (l-base)/(float64(n)*std))
	}
	return out, base, nil
}
