package data

import (
	"fmt"
	"math"
	"math/bits"

	"luthier/internal/philox"
)

// Masking hides tokens of a text for a masked language model, which learns to
// name them (Devlin et al. 2019, 1810.04805, section 3.1): each token that is
// not special is chosen with Probability, and of the chosen ones 80 % become
// the mask, 10 % a token drawn from the whole vocabulary, 10 % stay.
//
// What happens to a token is a function of seed, epoch, row and position: the
// words of one Philox block. Batch size and order do not enter, so a resumed
// run meets the same masks. No sequence has more than Most chosen tokens.
type Masking struct {
	Probability float64 // in (0, 1]
	WholeWord   bool    // choose words, all of whose tokens are then hidden each by its own draw
	Fixed       bool    // evaluation: the same masks in each epoch and with each seed

	seed      uint64
	mask      int32
	vocab     uint32
	special   map[int32]bool
	continues func(id int32) bool
}

// NewMasking takes what a tokenizer's tokens mean. Tokens with a role ([CLS],
// [SEP], [PAD], [MASK], [UNK]) are special; the caller sets Fixed.
func NewMasking(tok Tokenizer, probability float64, wholeWord bool, seed uint64) (*Masking, error) {
	m := &Masking{Probability: probability, WholeWord: wholeWord, seed: seed, mask: tok.Special().Mask, vocab: uint32(tok.VocabSize()),
		special: specialIDs(tok)}
	switch {
	case !(probability > 0 && probability <= 1):
		return nil, fmt.Errorf("--mlm-probability %g: want a share above 0, to 1", probability)
	case m.mask < 0:
		return nil, fmt.Errorf("--task mlm: this model's tokenizer names no mask_token: choose a masked language model")
	}
	if wholeWord {
		w, ok := tok.(interface{ continuing() func(int32) bool })
		if !ok || w.continuing() == nil {
			return nil, fmt.Errorf("--whole-word-mask: the tokens of this tokenizer do not say which of them continue a word (WordPiece's do): leave it out")
		}
		m.continues = w.continuing()
	}
	return m, nil
}

// specialIDs are the tokens with a role.
func specialIDs(tok Tokenizer) map[int32]bool {
	out := map[int32]bool{}
	s := tok.Special()
	for _, id := range s.fields() {
		if *id >= 0 {
			out[*id] = true
		}
	}
	return out
}

// Most is how many tokens of a sequence of n are chosen at most: five standard
// deviations above the mean, and twice as many for words of several tokens.
// What the vocabulary head computes is bounded by it. A bound is usual: BERT's
// own is max_predictions_per_seq.
func (m *Masking) Most(n int) int {
	p := m.Probability
	spread := 5 * math.Sqrt(float64(n)*p*(1-p))
	if m.WholeWord {
		spread *= 2
	}
	return max(1, min(n, int(math.Ceil(float64(n)*p+spread))))
}

// apply gives the sequence with tokens hidden, and with labels that name them:
// Labels[t] is the id that stood at t where it was chosen, else Ignore.
func (m *Masking) apply(s *Sequence, epoch, row int) *Sequence {
	ids, labels := append([]int32(nil), s.IDs...), filled(len(s.IDs), Ignore)
	chosen, room := false, m.Most(len(s.IDs))
	for t, id := range s.IDs {
		if m.special[id] {
			chosen = false
			continue
		}
		d := m.draw(epoch, row, t)
		if !m.WholeWord || !m.continues(id) || t == 0 || m.special[s.IDs[t-1]] {
			chosen = d[0] < threshold(m.Probability)
		}
		if chosen && room > 0 {
			room--
			labels[t] = id
			ids[t] = m.instead(id, d)
		}
	}
	return &Sequence{IDs: ids, TypeIDs: s.TypeIDs, Labels: labels, Class: Ignore, Line: s.Line}
}

// instead is what stands for a chosen token. d[1] decides which of the three,
// d[2] and d[3] make a token of the vocabulary, each as likely to 2^-64.
func (m *Masking) instead(id int32, d [4]uint64) int32 {
	switch {
	case d[1] < threshold(0.8):
		return m.mask
	case d[1] < threshold(0.9):
		high, _ := bits.Mul64(d[2]<<32|d[3], uint64(m.vocab))
		return int32(high)
	}
	return id
}

// threshold is the number below which a share p of all 32-bit words lie.
func threshold(p float64) uint64 { return uint64(math.Round(p * (1 << 32))) }

// evalStream keeps the masks of evaluation apart from those of training.
const evalStream = 0x6576616c

// draw is the Philox block of a token: counter (position, row, epoch, stream),
// key the seed.
func (m *Masking) draw(epoch, row, t int) [4]uint64 {
	seed, c2, c3 := m.seed, uint32(epoch), uint32(0x6d61736b)
	if m.Fixed {
		seed, c2, c3 = 0, 0, evalStream
	}
	c := philox.Block([4]uint32{uint32(t), uint32(row), c2, c3}, seed)
	return [4]uint64{uint64(c[0]), uint64(c[1]), uint64(c[2]), uint64(c[3])}
}
