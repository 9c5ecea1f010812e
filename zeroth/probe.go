package zeroth

import (
	"context"

	"luthier/data"
	"luthier/train"
)

// probe measures losses around the weights for one step. Its batch and the rest of the step are fixed.
type probe struct {
	s     *Stepper
	ctx   context.Context
	step  int
	lr    float64
	micro []*data.Batch

	anchor bool // the losses are those around the anchor
	// losses are those at theta + a z for each a, of the whole accumulated batch, z of the seed.
	losses func(seed uint64, as []float64) ([]float64, error)
}

// probe makes that of a step. Its losses come from the device.
func (s *Stepper) probe(ctx context.Context, step int, lr float64, micro []*data.Batch) *probe {
	p := &probe{s: s, ctx: ctx, step: step, lr: lr, micro: micro}
	p.losses = p.forwards
	return p
}

// seed of direction i.
func (p *probe) seed(i int) uint64 { return Seed(p.s.o.Seed, uint32(p.step), uint32(i)) }

// pair is L(theta + eps z) and L(theta - eps z) for z of the seed.
func (p *probe) pair(seed uint64, eps float64) (plus, minus float64, err error) {
	out, err := p.losses(seed, []float64{eps, -eps})
	if err != nil {
		return 0, 0, err
	}
	return out[0], out[1], nil
}

// at is L(theta + a z).
func (p *probe) at(seed uint64, a float64) (float64, error) {
	out, err := p.losses(seed, []float64{a})
	if err != nil {
		return 0, err
	}
	return out[0], nil
}

// inFlight is how many batches are queued before results are read: what is being read takes memory.
const inFlight = 64

// forwards measures the losses, two of them in one pass over the weights where pairs go together.
func (p *probe) forwards(seed uint64, as []float64) ([]float64, error) {
	together := len(as) == 2 && p.s.together
	var passes [][2]float64 // scalars of both halves
	for _, a := range as {
		passes = append(passes, [2]float64{a, a})
	}
	if together {
		passes = [][2]float64{{as[0], as[1]}}
	}
	var queue []*train.Measured // a batch after the other, a pass after the other
	found := make([][]*train.Measured, len(as))
	read := func(end int) error {
		for n := len(found[0]); n < end; n++ {
			for i, m := range queue[n*len(passes) : (n+1)*len(passes)] {
				if err := m.Wait(p.ctx); err != nil {
					return err
				}
				if !together {
					found[i] = append(found[i], m)
					continue
				}
				first, second := m.Halves(p.micro[n])
				found[0], found[1] = append(found[0], first), append(found[1], second)
			}
		}
		return nil
	}
	for n, b := range p.micro {
		if err := read(n - inFlight); err != nil {
			return nil, err
		}
		if together {
			b = b.Twice()
		}
		for _, a := range passes {
			m, err := p.launch(b, seed, a[0], a[1])
			if err != nil {
				return nil, err
			}
			queue = append(queue, m)
		}
	}
	if err := read(len(p.micro)); err != nil {
		return nil, err
	}
	return p.objective(found)
}

func (p *probe) objective(found [][]*train.Measured) (out []float64, err error) {
	out = make([]float64, len(found))
	for i, ms := range found {
		if out[i], err = p.s.e.Objective(p.s.o.Objective, ms); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *probe) launch(b *data.Batch, seed uint64, a0, a1 float64) (*train.Measured, error) {
	f := p.s.at(p.anchor)[train.Shape{B: b.B, T: b.T}]
	if f == nil {
		return nil, unplanned(b)
	}
	p.s.Forwards += b.B / p.micro[0].B
	return f.Launch(p.ctx, b, p.s.table(p.s.direction(p.step, seed, a0), Perturbation(a1, p.s.o.Noise)))
}

// record of one direction.
func (p *probe) record(seed uint64, g float64) Record {
	return Record{Step: uint32(p.step), Seed: seed, G: float32(g), LR: float32(p.lr), Eps: float32(p.s.o.Eps), Batch: batchHash(p.micro)}
}
