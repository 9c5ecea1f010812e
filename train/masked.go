package train

import (
	"fmt"

	"luthier/data"
	"luthier/model"
)

// masked is how many tokens of a sequence of t the head of a masked language model sees; 0 for all. Few have a label, and the head is most of
// the work of a small model.
func (e *Engine) masked(t int) int {
	if e.Task != model.MaskedLM || e.Masked == nil {
		return 0
	}
	return min(t, (e.Masked(t)+3)/4*4)
}

// maskedRows lists k token rows b*T + t of each sequence, those with a label first, and their labels.
func maskedRows(b *data.Batch, k int) (rows, labels []int32, err error) {
	for r := range b.B {
		var free []int32
		n := 0
		for i := r * b.T; i < (r+1)*b.T; i++ {
			if b.Labels == nil || b.Labels[i] == data.Ignore {
				free = append(free, int32(i))
				continue
			}
			rows, labels, n = append(rows, int32(i)), append(labels, b.Labels[i]), n+1
		}
		if n > k {
			return nil, nil, fmt.Errorf("train: a sequence has %d hidden tokens, planned for %d", n, k)
		}
		for _, i := range free[:k-n] {
			rows, labels = append(rows, i), append(labels, data.Ignore)
		}
	}
	return rows, labels, nil
}
