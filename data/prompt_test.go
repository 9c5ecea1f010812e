package data

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func prompt(t *testing.T, template string, masked bool, words ...string) *Prompt {
	t.Helper()
	tm, err := ParseTemplate(template)
	require.NoError(t, err)
	return &Prompt{Template: tm, Words: words, Masked: masked}
}

func TestTemplateFields(t *testing.T) {
	tm, err := ParseTemplate("{{{sentence1}}} ? {mask}, {sentence2}")
	require.NoError(t, err)
	before, after := tm.fill("a", "b")
	assert.Equal(t, "{a} ? ", before)
	assert.Equal(t, ", b", after)
	assert.True(t, tm.Pairs())
	assert.False(t, tm.Ends())
	for bad, want := range map[string]string{
		"{txt} was {mask}": "{txt} is no field: there are {text}", "{text} {mask} {label}": "{mask} stands 2 times", "It was {mask}": "no field for the text",
		"{text": "is not closed", "{text}}": "closes nothing", "": "no field for the text",
	} {
		_, err := ParseTemplate(bad)
		assert.ErrorContains(t, err, want, bad)
	}
}

func TestVerbalizerOrder(t *testing.T) {
	v, err := ParseVerbalizer("1= great,0= terrible")
	require.NoError(t, err)
	words, err := v.Order([]string{"0", "1"})
	require.NoError(t, err)
	assert.Equal(t, []string{" terrible", " great"}, words)
	assert.Equal(t, []string{"0", "1"}, v.Names())
	_, err = v.Order([]string{"0", "1", "2"})
	assert.ErrorContains(t, err, `label "2" has no word: add 2=WORD`)
	_, err = v.Order([]string{"0"})
	assert.ErrorContains(t, err, `"1" is no label`)
	v, err = ParseVerbalizer(" bad, good")
	require.NoError(t, err)
	_, err = v.Order([]string{"a", "b", "c"})
	assert.ErrorContains(t, err, "2 words for 3 labels: give a word for each of a, b, c")
	for bad, want := range map[string]string{"good": "one word", "a=x,y": "names some labels", "a,,b": "no word", "a,a": "twice", "a=x,a=y": "twice", "x=,y=b": "no word"} {
		_, err := ParseVerbalizer(bad)
		assert.ErrorContains(t, err, want, bad)
	}
}

func TestMaskedPrompt(t *testing.T) {
	tok := testTokenizer(t, "wordpiece")
	one := func(s string) int32 {
		ids := tok.Encode(s, false)
		require.Len(t, ids, 1, s)
		return ids[0]
	}
	mask := tok.Special().Mask
	require.GreaterOrEqual(t, mask, int32(0))
	p := prompt(t, "{text} a {mask} b", true, "the", "and")
	require.NoError(t, p.Check(tok))
	long := strings.Repeat("b ", 50)
	seqs, rep, err := EncodePrompts(tok, p, []Example{{Text: "[MASK] b", Line: 3}, {Text: long, Line: 4}}, []int32{1, 0}, 9)
	require.NoError(t, err)
	assert.Equal(t, []int32{2, mask, one("b"), one("a"), mask, one("b"), 3}, seqs[0].IDs)
	assert.Equal(t, 4, seqs[0].Candidates.Mask, "the template's mask and not the text's")
	assert.Equal(t, [][]int32{{one("the")}, {one("and")}}, seqs[0].Candidates.Options)
	assert.Equal(t, []int32{2, one("b"), one("b"), one("b"), one("b"), one("a"), mask, one("b"), 3}, seqs[1].IDs, "only the text is cut")
	assert.Equal(t, 6, seqs[1].Candidates.Mask)
	assert.Equal(t, Report{Rows: 2, Tokens: 16, Truncated: 1, Lost: 46, Longest: 55}, rep)

	_, _, err = EncodePrompts(tok, p, []Example{{Text: "b"}}, nil, 4)
	assert.ErrorContains(t, err, "--template: its own words and the longest option are 5 tokens of --max-length 4")
	_, _, err = EncodePrompts(tok, p, []Example{{Text: "b", HasPair: true, Line: 7}}, nil, 9)
	assert.ErrorContains(t, err, "line 7 has two texts")

	for _, c := range []struct {
		p    *Prompt
		want string
	}{
		{prompt(t, "{text} a", true, "the", "and"), "has no {mask}"},
		{prompt(t, "{text} {mask}", true, "the", "zzyzx the"), `"zzyzx the" is`},
		{prompt(t, "{text} {mask}", true, "the", " the "), "are the same tokens"},
		{prompt(t, "{text} {mask} b", false, "the", "and"), "must stand at the end"},
	} {
		var e *PromptError
		require.ErrorAs(t, c.p.Check(tok), &e)
		assert.ErrorContains(t, e, c.want)
	}
}

// A pair is cut where it is longer, in characters, and an option of several tokens always stays whole.
func TestContinuedPrompt(t *testing.T) {
	tok := lettersTokenizer{addsBOS: true}
	p := prompt(t, "{sentence1}x{sentence2}y", false, "ab", "c")
	ex := []Example{{Text: "dd", Text2: "e", HasPair: true, Line: 1}, {Text: "ddddd", Text2: "e", HasPair: true, Line: 2}}
	seqs, rep, err := EncodePrompts(tok, p, ex, []int32{0, Ignore}, 8)
	require.NoError(t, err)
	const x, y = 23, 24
	assert.Equal(t, []int32{26, 3, 3, x, 4, y}, seqs[0].IDs)
	assert.Equal(t, &Candidates{Options: [][]int32{{0, 1}, {2}}, Mask: -1}, seqs[0].Candidates)
	assert.Equal(t, seqs[0].IDs, seqs[1].IDs, "cut to the first text's two letters")
	assert.Equal(t, Report{Rows: 2, Tokens: 12, Truncated: 1, Lost: 3, Longest: 11}, rep)

	l, err := NewLoader(seqs, LoaderOptions{BatchSize: 3, NoShuffle: true, Scores: 2, PadID: 9})
	require.NoError(t, err)
	assert.Equal(t, 6, l.BatchRows())
	b, _ := l.Next()
	assert.Equal(t, 6, b.B)
	assert.Equal(t, 2, b.Rows)
	assert.Equal(t, 1, b.LossTokens)
	assert.Equal(t, []int{1, 2}, b.Lines)
	assert.Equal(t, []int32{0, Ignore, Ignore, Ignore, Ignore, Ignore}, b.Classes)
	assert.Equal(t, []int32{26, 3, 3, x, 4, y, 0, 1, 9}, b.IDs[:9])
	assert.Equal(t, []int32{26, 3, 3, x, 4, y, 2, 9}, b.IDs[b.T:b.T+8])
	assert.Equal(t, &Prompted{Options: 2, Scores: 2, Sequences: 2, At: []int32{5, 6, 5, 0, 5, 6, 5, 0, 0, 0, 0, 0},
		IDs: []int32{0, 1, 2, Ignore, 0, 1, 2, Ignore, Ignore, Ignore, Ignore, Ignore}}, b.Prompted)
	d := b.Twice()
	assert.Len(t, d.Prompted.At, 24)
	assert.Len(t, b.Prompted.At, 12)

	l, err = NewLoader(seqs, LoaderOptions{BatchSize: 1, NoShuffle: true, Scores: 2, LeftPad: true})
	require.NoError(t, err)
	b, _ = l.Next()
	at := b.Prompted.At[2]
	assert.Equal(t, int32(y), b.IDs[b.T+int(at)], "padding on the left moves the places")
	assert.Equal(t, int32(2), b.IDs[b.T+int(at)+1])
	_, err = NewLoader(seqs, LoaderOptions{BatchSize: 1, Scores: 1})
	assert.ErrorContains(t, err, "there is one of 2")
}

// What a tokenizer joins across the border of text and option belongs to the option, whether the blank is the template's or the word's.
func TestOptionsShareTheirPrefix(t *testing.T) {
	tok := testTokenizer(t, "bytebpe")
	for _, p := range []*Prompt{prompt(t, "{text} It was {mask}", false, "the plate", "a"), prompt(t, "{text} It was", false, " the plate", " a")} {
		s := p.sequence(tok, "the plate", "")
		for i, w := range []string{" the plate", " a"} {
			assert.Equal(t, tok.Encode("the plate It was"+w, false), append(append([]int32{}, s.IDs[len(opening(tok)):]...), s.Candidates.Options[i]...))
			assert.NotEmpty(t, s.Candidates.Options[i])
		}
	}
}

func TestMillionCharacterPrompt(t *testing.T) {
	p := prompt(t, "{text} a {mask}", true, "the", "and")
	seqs, rep, err := EncodePrompts(testTokenizer(t, "wordpiece"), p, []Example{{Text: strings.Repeat("the plate answers ", 60_000)}}, nil, 64)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(seqs[0].IDs), 64)
	assert.Greater(t, len(seqs[0].IDs), 60)
	assert.Equal(t, 1, rep.Truncated)
}

func TestFingerprintSeesOptions(t *testing.T) {
	seq := func(c Candidates) string { return Fingerprint([]Sequence{{IDs: []int32{1}, Candidates: &c}}) }
	base := seq(Candidates{Options: [][]int32{{1}, {2}}})
	assert.NotEqual(t, base, seq(Candidates{Options: [][]int32{{1}, {2}}, Mask: -1}))
	assert.NotEqual(t, base, seq(Candidates{Options: [][]int32{{1}, {3}}}))
	assert.NotEqual(t, base, seq(Candidates{Options: [][]int32{{1, 2}, {}}}))
}
