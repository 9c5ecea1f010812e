package data

import "slices"

// Twice is the batch two times over, one below the other: both halves of a forward pass that perturbs weights in two directions.
func (b *Batch) Twice() *Batch {
	d := *b
	d.B, d.Copies = 2*d.B, 2*max(1, d.Copies)
	for _, x := range []*[]int32{&d.IDs, &d.TypeIDs, &d.Mask, &d.Labels, &d.Classes, &d.LastPos} {
		if *x != nil {
			*x = append(append(make([]int32, 0, 2*len(*x)), *x...), *x...)
		}
	}
	d.Targets = append(append(make([]float32, 0, 2*len(b.Targets)), b.Targets...), b.Targets...)
	if b.Prompted != nil {
		p := *b.Prompted
		p.At, p.IDs = slices.Repeat(p.At, 2), slices.Repeat(p.IDs, 2)
		d.Prompted = &p
	}
	return &d
}
