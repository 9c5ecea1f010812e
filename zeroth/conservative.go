package zeroth

import "fmt"

var _ = register(Variant{Name: "mezo-conservative", Paper: "Zhang et al. 2024, 2402.11592", About: "the step is taken, reversed or left out, whichever has the lowest loss",
	single: true, rule: func(o *Options) rule { return conservative{} }})

// conservative looks at the loss where a MeZO step would end, at the other side and where it stands, and goes to the lowest (ZO-SGD-Cons).
type conservative struct{}

func (conservative) check(o *Options) error {
	if o.Directions != 1 {
		return fmt.Errorf("--directions %d: mezo-conservative takes one direction a step", o.Directions)
	}
	return nil
}

func (conservative) measure(p *probe) ([]Record, float64, error) {
	rs, shown, err := spsa{}.measure(p)
	if err != nil {
		return nil, 0, err
	}
	r := &rs[0]
	s := -float64(r.LR) * float64(r.G) // where the step would end
	if p.s.o.Noise == LowRank {
		s /= float64(p.s.o.Rank)
	}
	forward, back, err := p.pair(r.Seed, s)
	if err != nil {
		return nil, 0, err
	}
	stay, err := p.at(0, 0)
	switch {
	case err != nil:
		return nil, 0, err
	case back < stay && !(back >= forward): // forward may be no number
		r.G = -r.G
	case !(forward <= stay):
		r.G = 0
	}
	return rs, shown, nil
}
