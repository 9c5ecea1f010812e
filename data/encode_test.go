package data

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lettersTokenizer has a token a letter, a BOS (26) and an EOS (27), so that
// what the encoders do can be worked out by hand.
type lettersTokenizer struct{ addsBOS bool }

func (lettersTokenizer) Encode(text string, special bool) (out []int32) {
	for _, r := range text {
		out = append(out, r-'a')
	}
	return out
}
func (l lettersTokenizer) EncodePair(a, b string) ([]int32, []int32) {
	return l.Assemble(l.Encode(a, false), l.Encode(b, false), true)
}
func (l lettersTokenizer) Assemble(a, b []int32, pair bool) (ids, types []int32) {
	if l.addsBOS {
		ids = append(ids, 26)
	}
	ids = append(append(ids, a...), b...)
	return ids, make([]int32, len(ids))
}
func (lettersTokenizer) Decode(ids []int32, _ bool) string { return "" }
func (lettersTokenizer) VocabSize() int                    { return 28 }
func (lettersTokenizer) Special() SpecialIDs {
	return SpecialIDs{Pad: -1, BOS: 26, EOS: 27, UNK: -1, CLS: -1, SEP: -1, Mask: -1}
}

func TestPackShiftsLabels(t *testing.T) {
	docs := []Doc{{Text: "abc", Line: 1}, {Text: "de", Line: 2}}
	seqs, rep, err := EncodeText(lettersTokenizer{addsBOS: true}, docs, LMOptions{MaxLength: 5, Pack: true})
	require.NoError(t, err)
	require.Len(t, seqs, 2)
	assert.Equal(t, []int32{26, 0, 1, 2, 27}, seqs[0].IDs, "BOS and EOS around each of several documents")
	assert.Equal(t, []int32{0, 1, 2, 27, Ignore}, seqs[0].Labels)
	assert.Equal(t, []int32{26, 3, 4, 27}, seqs[1].IDs, "the short rest is kept")
	assert.Equal(t, Report{Rows: 2, Tokens: 9, Longest: 5}, rep)

	seqs, _, err = EncodeText(lettersTokenizer{}, docs[:1], LMOptions{MaxLength: 8, Pack: true})
	require.NoError(t, err)
	assert.Equal(t, []int32{0, 1, 2}, seqs[0].IDs, "one document, no BOS of its own: nothing is added")
}

func TestPromptIsNotTrained(t *testing.T) {
	docs := []Doc{{Text: "abcd", Prompt: 2, Line: 7}}
	seqs, rep, err := EncodeText(lettersTokenizer{}, docs, LMOptions{MaxLength: 8})
	require.NoError(t, err)
	assert.Equal(t, []int32{0, 1, 2, 3, 27}, seqs[0].IDs, "a completion ends with EOS")
	assert.Equal(t, []int32{Ignore, 2, 3, 27, Ignore}, seqs[0].Labels, "the last prompt token predicts the first of the completion")
	assert.Equal(t, 7, seqs[0].Line)
	assert.Zero(t, rep.Truncated)

	seqs, rep, err = EncodeText(lettersTokenizer{}, docs, LMOptions{MaxLength: 3, EOS: AddNever})
	require.NoError(t, err)
	assert.Equal(t, []int32{0, 1, 2}, seqs[0].IDs)
	assert.Equal(t, Report{Rows: 1, Tokens: 3, Truncated: 1, Lost: 1, Longest: 4}, rep)

	_, _, err = EncodeText(lettersTokenizer{}, docs, LMOptions{MaxLength: 2})
	assert.ErrorIs(t, err, ErrNoData, "only prompt is left")
	_, _, err = EncodeText(lettersTokenizer{}, docs, LMOptions{MaxLength: 1})
	assert.ErrorContains(t, err, "max-length 1")
}

func TestExamplesAreCutLongestFirst(t *testing.T) {
	tok := testTokenizer(t, "wordpiece") // [CLS] a [SEP] b [SEP]: three special tokens
	ex := []Example{{Text: strings.Repeat("a ", 10), Text2: "b b", HasPair: true, Line: 4}, {Text: strings.Repeat("a ", 10), Text2: strings.Repeat("b ", 10), HasPair: true}, {Text: "a"}}
	seqs, rep, err := EncodeExamples(tok, ex, []int32{1, 0, Ignore}, nil, 10)
	require.NoError(t, err)
	a, b := tok.Encode("a", false)[0], tok.Encode("b", false)[0]
	assert.Equal(t, []int32{2, a, a, a, a, a, 3, b, b, 3}, seqs[0].IDs, "only the longer text is cut")
	assert.Equal(t, []int32{0, 0, 0, 0, 0, 0, 0, 1, 1, 1}, seqs[0].TypeIDs)
	assert.Equal(t, []int32{2, a, a, a, 3, b, b, b, b, 3}, seqs[1].IDs, "both to halves")
	assert.Equal(t, int32(1), seqs[0].Class)
	assert.Equal(t, 4, seqs[0].Line)
	assert.Equal(t, Report{Rows: 3, Tokens: 23, Truncated: 2, Lost: 5 + 13, Longest: 23}, rep)

	_, _, err = EncodeExamples(tok, ex, nil, nil, 3)
	assert.ErrorContains(t, err, "no room beside 3 special tokens")
	_, _, err = EncodeExamples(tok, ex, []int32{1}, nil, 9)
	assert.ErrorContains(t, err, "3 examples, 1 classes")
	seqs, _, err = EncodeExamples(lettersTokenizer{}, []Example{{Text: ""}}, nil, []float32{0.5}, 4)
	require.NoError(t, err)
	assert.Equal(t, []int32{26}, seqs[0].IDs, "an empty text still has a position")
	assert.Equal(t, float32(0.5), seqs[0].Target)
}

func TestMillionCharacterText(t *testing.T) {
	start := time.Now()
	ex := []Example{{Text: strings.Repeat("the plate answers ", 60_000)}}
	seqs, rep, err := EncodeExamples(testTokenizer(t, "wordpiece"), ex, nil, nil, 64)
	require.NoError(t, err)
	assert.Len(t, seqs[0].IDs, 64)
	assert.Equal(t, 1, rep.Truncated)
	assert.Less(t, time.Since(start), 20*time.Second)
}

func TestFingerprintSeesEveryField(t *testing.T) {
	base := func() []Sequence {
		return []Sequence{{IDs: []int32{1, 2}, TypeIDs: []int32{0, 0}, Labels: []int32{2, -100}, Class: 1, Target: 2}}
	}
	want := Fingerprint(base())
	assert.Equal(t, want, Fingerprint(base()))
	for i, change := range []func(*Sequence){
		func(s *Sequence) { s.IDs[1] = 3 }, func(s *Sequence) { s.TypeIDs[0] = 1 }, func(s *Sequence) { s.Labels[0] = 1 },
		func(s *Sequence) { s.Class = 0 }, func(s *Sequence) { s.Target = 3 },
		func(s *Sequence) { s.IDs, s.TypeIDs = []int32{1}, []int32{2, 0, 0} },
	} {
		b := base()
		change(&b[0])
		assert.NotEqual(t, want, Fingerprint(b), "change %d", i)
	}
	assert.NotEqual(t, want, Fingerprint(append(base(), base()...)))
}
