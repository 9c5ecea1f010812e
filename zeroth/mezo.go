package zeroth

// rule measures one step: the records that the log gets. The update follows from them alone (Header.Terms).
type rule interface {
	// measure returns a record a direction and the loss to show.
	measure(p *probe) ([]Record, float64, error)
}

var _ = register(Variant{Name: "mezo", Paper: "Malladi et al. 2023, 2305.17333", About: "central difference along a random direction, or the mean over n (n-SPSA)",
	rule: func(o *Options) rule { return spsa{} }})

// spsa is MeZO's estimator (Malladi et al. 2023, 2305.17333, definition 1): g = (L(theta + eps z) - L(theta - eps z)) / (2 eps), the mean
// over n directions with n > 1 (n-SPSA), or one-sided, (L(theta + eps z) - L(theta)) / eps. bend changes each g last.
type spsa struct{ bend func(g float64) float64 }

func (r spsa) measure(p *probe) ([]Record, float64, error) {
	o := &p.s.o
	base, shown := 0.0, 0.0
	if o.OneSided {
		var err error
		if base, err = p.at(0, 0); err != nil {
			return nil, 0, err
		}
	}
	var out []Record
	for i := range o.Directions {
		seed := p.seed(i)
		g, l, err := r.estimate(p, seed, base)
		if err != nil {
			return nil, 0, err
		}
		if r.bend != nil {
			g = r.bend(g)
		}
		shown += l / float64(o.Directions)
		out = append(out, p.record(seed, g/float64(o.Directions)))
	}
	if o.OneSided {
		shown = base
	}
	return out, shown, nil
}

// estimate is the slope along one direction and the loss seen.
func (spsa) estimate(p *probe, seed uint64, base float64) (g, loss float64, err error) {
	eps := p.s.o.Eps
	if p.s.o.OneSided {
		loss, err = p.at(seed, eps)
		return (loss - base) / eps, loss, err
	}
	plus, minus, err := p.pair(seed, eps)
	return (plus - minus) / (2 * eps), (plus + minus) / 2, err
}
