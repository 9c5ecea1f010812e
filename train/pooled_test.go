package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/data"
	"luthier/model"
)

// The places are those whose logits LlamaForSequenceClassification of transformers 5.23 gives for the same rows; those of padding are ours.
func TestPooled(t *testing.T) {
	zero, other := 0, 99
	texts := [][]int32{{5, 6, 0, 0, 0, 0}, {5, 0, 6, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 5, 6}, {0, 0, 0, 5, 6, 0}, {5, 6, 7, 8, 9, 3}}
	want := []int32{1, 2, 0, 5, 4, 5}
	seqs := make([]*data.Sequence, len(texts))
	for i, ids := range texts {
		seqs[i] = &data.Sequence{IDs: ids, TypeIDs: make([]int32, len(ids)), Class: data.Ignore}
	}
	for _, left := range []bool{false, true} {
		for _, c := range []struct {
			config *int
			pad    int32
			last   bool // the padding id is in no text
		}{{&zero, 0, false}, {&zero, 9, false}, {nil, 0, false}, {nil, 98, true}, {&other, 0, true}} {
			b := data.NewBatch(seqs, len(seqs)+1, c.pad, left)
			e := &Engine{Config: &model.Config{PadID: c.config}}
			for r, at := range append(want, 0) {
				shift := 0
				if left && r != 2 && r < len(want) {
					shift = b.T - 6
				}
				if c.last && r < len(want) {
					at, shift = 5, map[bool]int{true: b.T - 6}[left]
				}
				require.Equal(t, int32(r*b.T+shift)+at, e.pooled(b)[r], "row %d, left %v, %+v", r, left, c)
			}
		}
	}
}
