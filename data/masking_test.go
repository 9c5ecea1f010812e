package data

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
)

// wideTokenizer has 30,000 ids, of which 0 to 4 have a role; only the roles and the size matter.
type wideTokenizer struct{ lettersTokenizer }

func (wideTokenizer) VocabSize() int { return 30000 }
func (wideTokenizer) Special() SpecialIDs {
	return SpecialIDs{Pad: 0, UNK: 1, CLS: 2, SEP: 3, Mask: 4, BOS: -1, EOS: -1}
}

// manyRows are rows of 128 ids, [CLS] first, [SEP] in the middle and last, and an [UNK], a [MASK] and a [PAD] among them.
func manyRows(rows int) []Sequence {
	out := make([]Sequence, rows)
	for r := range out {
		ids := make([]int32, 128)
		for t := range ids {
			ids[t] = int32(5 + (r*977+t*31)%29995)
		}
		ids[0], ids[64], ids[127], ids[1+r%60], ids[66+r%60] = 2, 3, 3, 1, 4
		ids[65] = 0
		out[r] = Sequence{IDs: ids, TypeIDs: make([]int32, 128), Class: Ignore, Line: r + 1}
	}
	return out
}

func masker(t *testing.T, tok Tokenizer, p float64, whole bool, seed uint64) *Masking {
	t.Helper()
	m, err := NewMasking(tok, p, whole, seed)
	require.NoError(t, err)
	return m
}

// within holds a count of n trials against 3 standard deviations around p.
func within(t *testing.T, what string, count, n int, p float64) {
	t.Helper()
	sigma := math.Sqrt(float64(n) * p * (1 - p))
	assert.InDelta(t, float64(n)*p, float64(count), 3*sigma, "%s: %d of %d, want a share of %g", what, count, n, p)
}

// TestPaperMasking holds the shares of Devlin et al. 2019 within 3 standard deviations, at seeds and epochs that lie next to each other, and
// two epochs as independent draws.
func TestPaperMasking(t *testing.T) {
	rows, v := manyRows(600), 30000.0
	var before map[[2]int]bool
	for _, at := range []struct {
		seed  uint64
		epoch int
	}{{0, 0}, {0, 1}, {1, 1}, {1 << 40, 2}} {
		m := masker(t, wideTokenizer{}, 0.15, false, at.seed)
		var chosen, masked, kept, drawn, free, both int
		sum, now := 0.0, map[[2]int]bool{}
		for r := range rows {
			s := m.apply(&rows[r], at.epoch, r)
			for i, old := range rows[r].IDs {
				if old < 5 {
					require.Equal(t, [2]int32{old, Ignore}, [2]int32{s.IDs[i], s.Labels[i]}, "a special token is left alone")
					continue
				}
				if free++; s.Labels[i] == Ignore {
					require.Equal(t, old, s.IDs[i])
					continue
				}
				require.Equal(t, old, s.Labels[i])
				now[[2]int{r, i}] = true
				if chosen++; before[[2]int{r, i}] {
					both++
				}
				switch s.IDs[i] {
				case 4:
					masked++
				case old:
					kept++
				default:
					drawn++
					sum += float64(s.IDs[i])
				}
			}
		}
		require.Equal(t, 600*122, free)
		within(t, "chosen", chosen, free, 0.15)
		within(t, "[MASK]", masked, chosen, 0.8+0.1/v)
		within(t, "kept", kept, chosen, 0.1+0.1/v)
		within(t, "random", drawn, chosen, 0.1*(1-2/v))
		assert.InDelta(t, v/2, sum/float64(drawn), 3*v/math.Sqrt(12*float64(drawn)), "random tokens are uniform")
		if before != nil {
			within(t, "chosen as in the draw before", both, chosen, 0.15)
		}
		before = now
	}
}

// TestMaskingSparesSpecialTokens with everything else hidden.
func TestMaskingSparesSpecialTokens(t *testing.T) {
	row := Sequence{IDs: []int32{2, 7, 1, 3, 8, 4, 0}, TypeIDs: make([]int32, 7)}
	s := masker(t, wideTokenizer{}, 1, false, 3).apply(&row, 0, 0)
	assert.Equal(t, []int32{Ignore, 7, Ignore, Ignore, 8, Ignore, Ignore}, s.Labels)
	assert.Equal(t, []int32{2, 7, 1, 3, 8, 4, 0}, row.IDs, "the row itself stays")
}

// TestMaskingIsPhilox: the words of a token are those of the reference at (position, row, epoch, stream).
func TestMaskingIsPhilox(t *testing.T) {
	m := masker(t, wideTokenizer{}, 0.15, false, 7<<32|9)
	want := ref.Philox([4]uint32{11, 5, 3, 0x6d61736b}, [2]uint32{9, 7})
	for i, w := range m.draw(3, 5, 11) {
		require.Equal(t, uint64(want[i]), w)
	}
}

// hidden collects a loader's epoch: ids and labels by the place of the row.
func hidden(t *testing.T, l *Loader) map[int][2][]int32 {
	t.Helper()
	out := map[int][2][]int32{}
	for {
		b, more := l.Next()
		if !more {
			return out
		}
		n := 0
		for i, row := range b.Order {
			at := i * b.T
			out[row] = [2][]int32{b.IDs[at : at+b.T], b.Labels[at : at+b.T]}
			for _, v := range b.Labels[at : at+b.T] {
				if v != Ignore {
					n++
				}
			}
		}
		require.Equal(t, n, b.LossTokens)
	}
}

// TestMaskingIsExactOnResume: what is hidden depends on seed, epoch, row and position alone, not on order, batch size or where a run began.
func TestMaskingIsExactOnResume(t *testing.T) {
	rows := manyRows(23)
	load := func(size int, shuffle bool, m *Masking) *Loader {
		l, err := NewLoader(rows, LoaderOptions{BatchSize: size, Seed: 5, NoShuffle: !shuffle, Mask: m})
		require.NoError(t, err)
		return l
	}
	m := masker(t, wideTokenizer{}, 0.15, false, 5)
	a, b := load(4, true, m), load(7, false, m)
	first := hidden(t, a)
	require.Len(t, first, 23)
	assert.Equal(t, first, hidden(t, b))
	second := hidden(t, a)
	assert.NotEqual(t, first, second, "drawn anew each epoch")
	assert.Equal(t, second, hidden(t, b))
	assert.NotEqual(t, first, hidden(t, load(4, true, masker(t, wideTokenizer{}, 0.15, false, 6))), "another seed")

	c := load(4, true, m)
	require.NoError(t, c.Seek(Cursor{Epoch: 1, Next: 3}))
	for row, got := range hidden(t, c) {
		assert.Equal(t, second[row], got, "row %d after going on from a cursor", row)
	}
	require.NotContains(t, Fingerprint(rows), Fingerprint(manyRows(22)))
	assert.Equal(t, Fingerprint(manyRows(23)), Fingerprint(rows), "the sequences are not changed")
}

// TestMaskingOfEvaluationIsFixed in every epoch and with every seed, and is not that of training.
func TestMaskingOfEvaluationIsFixed(t *testing.T) {
	row := manyRows(1)
	m, o := masker(t, wideTokenizer{}, 0.15, false, 1), masker(t, wideTokenizer{}, 0.15, false, 2)
	training := m.apply(&row[0], 0, 0)
	m.Fixed, o.Fixed = true, true
	want := m.apply(&row[0], 0, 0)
	assert.Equal(t, want, m.apply(&row[0], 4, 0))
	assert.Equal(t, want, o.apply(&row[0], 0, 0))
	assert.NotEqual(t, training.Labels, want.Labels)
	assert.NotEqual(t, want.Labels, m.apply(&row[0], 0, 1).Labels, "another row")
}

// TestWholeWordMask: the pieces of a word are chosen together, and words with the probability.
func TestWholeWordMask(t *testing.T) {
	tok := testTokenizer(t, "wordpiece")
	goes := tok.(*tokenizer).continuing()
	begin, more := int32(-1), int32(-1)
	for text, id := range tok.(*tokenizer).model.vocab() {
		switch {
		case len(text) > 2 && text[:2] == "##":
			more = max(more, id)
			require.True(t, goes(id), text)
		case id > 4:
			begin = max(begin, id)
			require.False(t, goes(id), text)
		}
	}
	require.True(t, begin >= 0 && more >= 0)
	m := masker(t, tok, 0.15, true, 9)
	chosen, alone := 0, 0
	const words = 20000
	for r := range words / 20 {
		ids := []int32{2}
		for range 20 {
			ids = append(ids, begin, more, more)
		}
		s := m.apply(&Sequence{IDs: append(ids, 3), TypeIDs: make([]int32, 62)}, 0, r)
		for w := range 20 {
			a, b, c := s.Labels[1+3*w] != Ignore, s.Labels[2+3*w] != Ignore, s.Labels[3+3*w] != Ignore
			require.True(t, a == b && b == c, "word %d of row %d is hidden in part", w, r)
			if a {
				chosen++
			}
			if a && (s.IDs[1+3*w] == 4) != (s.IDs[2+3*w] == 4) {
				alone++
			}
		}
	}
	within(t, "words", chosen, words, 0.15)
	within(t, "one of two pieces masked", alone, chosen, 2*0.8*0.2)
}

func TestMaskingRefuses(t *testing.T) {
	for _, p := range []float64{0, -1, 1.5, math.NaN(), math.Inf(1)} {
		_, err := NewMasking(wideTokenizer{}, p, false, 0)
		assert.ErrorContains(t, err, "--mlm-probability")
	}
	_, err := NewMasking(lettersTokenizer{}, 0.15, false, 0)
	assert.ErrorContains(t, err, "names no mask_token")
	_, err = NewMasking(wideTokenizer{}, 0.15, true, 0)
	assert.ErrorContains(t, err, "--whole-word-mask")
}

// TestEncodeMasked: blocks as transformers' run_mlm cuts them, each document with its special tokens; without packing a document is a row.
func TestEncodeMasked(t *testing.T) {
	tok := testTokenizer(t, "wordpiece")
	docs := docsFromText("the old\n\n \nplate\n", TextOptions{Lines: true})
	require.Equal(t, []Doc{{Text: "the old", Line: 1}, {Text: "plate", Line: 4}}, docs)
	a, b := tok.Encode("the old", true), tok.Encode("plate", true)
	stream := append(append([]int32(nil), a...), b...)
	seqs, rep, err := EncodeMasked(tok, docs, 4, true)
	require.NoError(t, err)
	var joined []int32
	for i, s := range seqs {
		joined = append(joined, s.IDs...)
		require.True(t, len(s.IDs) == 4 || i == len(seqs)-1)
		require.Nil(t, s.Labels)
	}
	assert.Equal(t, stream[:len(joined)], joined)
	for _, id := range stream[len(joined):] { // a block of special tokens alone teaches nothing
		assert.Contains(t, []int32{2, 3}, id)
	}
	assert.Equal(t, len(seqs), rep.Rows)

	seqs, rep, err = EncodeMasked(tok, docs, 4, false)
	require.NoError(t, err)
	require.Len(t, seqs, 2)
	assert.Equal(t, append(append([]int32(nil), a[:min(3, len(a)-1)]...), 3), seqs[0].IDs, "cut with its [SEP] kept")
	assert.Equal(t, []int{1, 4}, []int{seqs[0].Line, seqs[1].Line})
	assert.Equal(t, max(len(a), len(b)), rep.Longest)

	_, _, err = EncodeMasked(tok, docs, 2, true)
	assert.ErrorContains(t, err, "leaves no room")
	_, _, err = EncodeMasked(tok, []Doc{{Text: ""}}, 8, true)
	assert.ErrorIs(t, err, ErrNoData)
}
