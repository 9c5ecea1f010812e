package train

import "luthier/data"

// pooled are the token rows b*T + t that a decoder's head of classes reads: as in transformers the last token of a text that is not the
// padding id, which some tokenizers end every text with, and the first place of a row that has no other. A config without pad_token_id has
// the id that the batch is padded with, which is what WriteConfig then gives it.
func (e *Engine) pooled(b *data.Batch) []int32 {
	pad := b.PadID
	if e.Config.PadID != nil {
		pad = int32(*e.Config.PadID)
	}
	out := make([]int32, b.B)
	for r := range out {
		from := r * b.T
		out[r] = int32(from)
		for i := from; i < from+b.T; i++ {
			if b.Mask[i] != 0 && b.IDs[i] != pad {
				out[r] = int32(i)
			}
		}
	}
	return out
}
