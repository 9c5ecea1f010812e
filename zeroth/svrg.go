package zeroth

import (
	"fmt"

	"github.com/spf13/pflag"
)

var _ = register(Variant{Name: "mezo-svrg", Paper: "Gautam et al. 2024, 2404.08080", About: "variance reduced by an anchor: memory of one more copy of the trained weights",
	Defaults: func(o *Options) { o.AnchorEvery, o.FullLR = 2, 10 }, flags: func(o *Options, f *pflag.FlagSet) {
		f.IntVar(&o.AnchorEvery, "svrg-every", o.AnchorEvery, "steps between anchors: copies of the trained weights, whose memory comes on top; with 1 no copy is made")
		f.IntVar(&o.AnchorBatches, "svrg-batches", o.AnchorBatches, "batches of the estimate at an anchor; 0 for the whole training set, as the paper")
		f.Float64Var(&o.FullLR, "svrg-full-lr", o.FullLR, "a step that sets an anchor takes so many times the learning rate (the authors try 1 to 1000)")
	},
	rule: func(o *Options) rule { return svrg{} }})

// svrg is MeZO-SVRG (2404.08080, algorithm 2). Each q steps the weights become the anchor, and the step is that of an estimate over the full
// batch. In between it is the estimate on the batch at the weights, less that at the anchor on the same batch along the same direction,
// plus the full batch's: two directions of known seeds, so that the log is one of plain records.
type svrg struct{ spsa }

func (svrg) check(o *Options) error {
	switch {
	case o.AnchorEvery < 1:
		return fmt.Errorf("--svrg-every %d: want at least 1", o.AnchorEvery)
	case o.AnchorBatches < 0:
		return fmt.Errorf("--svrg-batches %d: want at least 1, or 0 for the whole training set", o.AnchorBatches)
	case !(o.FullLR >= 0 && o.FullLR <= 1e6):
		return fmt.Errorf("--svrg-full-lr %g: want a factor of at least 0", o.FullLR)
	case o.Noise == LowRank:
		return fmt.Errorf("--noise %s: mezo-svrg goes along a direction again in later steps, when the right factor may be another", o.Noise)
	}
	return nil
}

func (r svrg) measure(p *probe) ([]Record, float64, error) {
	o := &p.s.o
	anchor := anchorOf(p.s.records, o.AnchorEvery)
	if anchor == nil || anchorDue(uint32(p.step), o.AnchorEvery) {
		return r.full(p)
	}
	rs, shown, err := r.spsa.measure(p)
	if err != nil {
		return nil, 0, err
	}
	there := p.s.probe(p.ctx, p.step, p.lr, p.micro)
	there.anchor = true
	at, _, err := r.spsa.measure(there)
	if err != nil {
		return nil, 0, err
	}
	for i := range rs {
		rs[i].G -= at[i].G
	}
	for _, a := range anchor {
		a.Step, a.LR = rs[0].Step, rs[0].LR
		rs = append(rs, a)
	}
	return rs, shown, nil
}

// full is the step at which an anchor is set.
func (r svrg) full(p *probe) ([]Record, float64, error) {
	p.lr *= p.s.o.FullLR
	if p.s.Full != nil {
		var err error
		if p.micro, err = p.s.Full(p.step); err != nil {
			return nil, 0, err
		}
	}
	return r.spsa.measure(p)
}

// anchorDue tells whether a step, from 1, sets an anchor.
func anchorDue(step uint32, every int) bool { return (int(step)-1)%every == 0 }

// anchorOf are the records of the step that set the last anchor: the last such step that was not skipped, or where all of them were, the
// first step that was not. nil if there is none yet.
func anchorOf(rs []Record, every int) (anchor []Record) {
	for past, now := before(rs); len(now) > 0; past, now = before(past) {
		if anchor = now; anchorDue(now[0].Step, every) {
			break
		}
	}
	return anchor
}
