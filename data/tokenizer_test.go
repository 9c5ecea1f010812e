package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testTokenizer(t testing.TB, name string) Tokenizer {
	t.Helper()
	tok, err := LoadTokenizer(filepath.Join("testdata", name+".tokenizer.json"))
	require.NoError(t, err)
	return tok
}

// A merge loop that rescans the word is quadratic and takes minutes here.
func TestLongTextIsFast(t *testing.T) {
	for name := range readGoldens(t).Tokenizers {
		tok := testTokenizer(t, name)
		for _, text := range []string{strings.Repeat("theplate", 125_000), strings.Repeat(" ", 1_000_000), strings.Repeat("ab 12\n", 170_000)} {
			start := time.Now()
			got := tok.Encode(text, false)
			assert.Less(t, time.Since(start), 20*time.Second, name)
			assert.Less(t, len(got), 2*len(text), name)
		}
		require.NoError(t, tokenizerErr(tok), name)
	}
}

func TestByteLevelRoundTrip(t *testing.T) {
	g := readGoldens(t)
	tok := testTokenizer(t, "llama3")
	for _, line := range g.Lines {
		assert.Equal(t, line, tok.Decode(tok.Encode(line, true), false)[len("<s>"):], "%q", line)
	}
	assert.Equal(t, "a\uFFFDb", tok.Decode(tok.Encode("a\xffb", false), false), "a bad byte is read as U+FFFD")
	assert.Equal(t, "", tok.Decode([]int32{-5, 1 << 30}, false), "ids without a token are left out")
}

func TestAssembleAfterCut(t *testing.T) {
	tok := testTokenizer(t, "wordpiece")
	s := tok.Special()
	assert.Equal(t, SpecialIDs{Pad: 0, BOS: -1, EOS: -1, UNK: 1, CLS: 2, SEP: 3, Mask: 4}, s)
	got, types := tok.Assemble([]int32{7, 8}, []int32{9}, true)
	assert.Equal(t, []int32{2, 7, 8, 3, 9, 3}, got)
	assert.Equal(t, []int32{0, 0, 0, 0, 1, 1}, types)
}

func TestRolesComeFromConfig(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, WriteTokenizerFiles("testdata", dir), "nothing there under the usual names is no error")
	raw, err := os.ReadFile("testdata/sentencepiece.tokenizer.json")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer.json"), raw, 0o644))
	conf := `{"tokenizer_class":"LlamaTokenizer","add_bos_token":false,"add_eos_token":true,"eos_token":{"content":"</s>"},"bos_token":"<s>","pad_token":null}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(conf), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "special_tokens_map.json"), []byte(`{"unk_token":"<unk>"}`), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte("x"), 0o644))

	out := t.TempDir()
	require.NoError(t, WriteTokenizerFiles(dir, out))
	copied, err := os.ReadFile(filepath.Join(out, "chat_template.jinja"))
	require.NoError(t, err)
	assert.Equal(t, "x", string(copied))
	left, err := os.ReadDir(out)
	require.NoError(t, err)
	assert.Len(t, left, 4)

	tok, err := LoadTokenizer(out)
	require.NoError(t, err)
	assert.Equal(t, SpecialIDs{Pad: -1, BOS: 1, EOS: 2, UNK: 0, CLS: -1, SEP: -1, Mask: -1}, tok.Special())
	got := tok.Encode("the", true)
	assert.Equal(t, append(ids(tok.Encode("the", false)), 2), got, "add_bos_token false and add_eos_token true stand above the template")
}

func TestTokenizerErrorsNameThePlace(t *testing.T) {
	vocab := `"vocab":{"a":0,"b":1,"ab":2}`
	for want, raw := range map[string]string{
		"line 2":                            "{\n}}",
		`type "Unigram" is not supported`:   `{"model":{"type":"Unigram","vocab":[]}}`,
		"merges[1]":                         `{"model":{"type":"BPE",` + vocab + `,"merges":["a b","a c"]}}`,
		"not two tokens":                    `{"model":{"type":"BPE",` + vocab + `,"merges":["ab"]}}`,
		`unk_token "[UNK]"`:                 `{"model":{"type":"WordPiece","vocab":{}}}`,
		"the vocabulary is empty":           `{"model":{"type":"BPE","vocab":{},"merges":[]}}`,
		"has id -1":                         `{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}`,
		`pretokenizers[0]: pattern "("`:     `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"}]},"model":{"type":"BPE",` + vocab + `,"merges":[]}}`,
		`normalizer: type "Precompiled"`:    `{"normalizer":{"type":"Precompiled"},"model":{}}`,
		"post_processor: id 9":              `{"post_processor":{"type":"BertProcessing","sep":["x",9],"cls":["y",0]},"model":{"type":"BPE",` + vocab + `,"merges":[]}}`,
		"dropout":                           `{"model":{"type":"BPE","dropout":0.1,` + vocab + `,"merges":[]}}`,
		"behavior \"\" is not known":        `{"pre_tokenizer":{"type":"Split","pattern":{"String":"a"}},"model":{}}`,
		"more than 16 levels of Sequence":   `{"normalizer":` + strings.Repeat(`{"type":"Sequence","normalizers":[`, 40) + strings.Repeat(`]}`, 40) + `,"model":{}}`,
		"neither SpecialToken nor Sequence": `{"post_processor":{"type":"TemplateProcessing","single":[{}]},"model":{"type":"BPE",` + vocab + `,"merges":[]}}`,
	} {
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		require.NoError(t, os.WriteFile(path, []byte(raw), 0o644))
		_, err := LoadTokenizer(filepath.Dir(path))
		require.Error(t, err, raw)
		assert.Contains(t, err.Error(), want)
		assert.Contains(t, err.Error(), path)
	}
	_, err := LoadTokenizer(t.TempDir())
	assert.ErrorContains(t, err, "no tokenizer.json")
}

func TestBadPatternDoesNotHang(t *testing.T) {
	raw := `{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated"},"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}}`
	defer func(old time.Duration) { regexLimit = old }(regexLimit)
	regexLimit = 200 * time.Millisecond
	tok, err := parseTokenizer([]byte(raw))
	require.NoError(t, err)
	got := tok.Encode(strings.Repeat("a", 200)+"b", false)
	assert.Len(t, got, 201, "the rest of the text is one piece")
	assert.ErrorContains(t, tokenizerErr(tok), "tokenizer pattern on a text of 201 bytes")
	_, _, err = EncodeExamples(tok, []Example{{Text: "a"}}, nil, nil, 8)
	assert.Error(t, err, "the encoders report it")
}

func TestSentencePieceErrors(t *testing.T) {
	dir := t.TempDir()
	for name, raw := range map[string]string{
		"empty":   "",
		"cut":     "\x0a\xff\xff\xff\xff\x0f",
		"varint":  "\x08\xff",
		"unigram": "\x0a\x03\x0a\x01a\x12\x02\x18\x01",
		"wire":    "\x0b",
	} {
		path := filepath.Join(dir, name+".model")
		require.NoError(t, os.WriteFile(path, []byte(raw), 0o644))
		_, err := LoadTokenizer(path)
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), path)
	}
}

func TestTrainBPE(t *testing.T) {
	// "ab" occurs 6 times, then "abc" 4 times; "<x>" is set apart and never learnt.
	tr, err := TrainBPE(strings.NewReader("ab ab abc abc<x>abc<x>abc"), 300, []string{"<x>"})
	require.NoError(t, err)
	assert.Equal(t, [][2]string{{"a", "b"}, {"ab", "c"}, {"Ġ", "ab"}, {"Ġ", "abc"}}[:2], tr.Merges[:2])
	for _, m := range tr.Merges {
		assert.NotContains(t, m[0]+m[1], "<")
	}
	dir := t.TempDir()
	require.NoError(t, tr.Save(dir, TokenRoles{EOS: "<x>", Pad: "<x>", MaxLength: 64}))
	assert.ErrorContains(t, tr.Save(dir, TokenRoles{BOS: "<y>"}), "not among")
	tok, err := LoadTokenizer(dir)
	require.NoError(t, err)
	assert.Equal(t, SpecialIDs{Pad: 0, BOS: -1, EOS: 0, UNK: -1, CLS: -1, SEP: -1, Mask: -1}, tok.Special())
	assert.Equal(t, len(tr.Vocab), tok.VocabSize())
	got := tok.Encode("abc<x>", false)
	assert.Equal(t, []string{"abc", "<x>"}, []string{tr.Vocab[got[0]], tr.Vocab[got[1]]})
	assert.Equal(t, "abc<x>", tok.Decode(got, false))
	assert.Equal(t, "abc", tok.Decode(got, true))

	_, err = TrainBPE(strings.NewReader("a"), 256, []string{"<x>"})
	assert.ErrorContains(t, err, "257")
}

// Maps are walked in random order in Go, so a tie that depended on it would show.
func TestTrainBPEIsDeterministic(t *testing.T) {
	text := strings.Repeat("one two three four five six seven eight nine ten eleven twelve ", 3)
	var first []byte
	for range 20 {
		tr, err := TrainBPE(strings.NewReader(text), 320, nil)
		require.NoError(t, err)
		raw, err := tr.JSON()
		require.NoError(t, err)
		if first == nil {
			first = raw
		}
		require.Equal(t, string(first), string(raw))
	}
}

func TestLossyUTF8CountsLikeUnicode(t *testing.T) {
	for in, want := range map[string]string{
		"a\xe4\xbdb":       "a\uFFFDb",                  // one broken character
		"\xe4\xe4\xbd\xa0": "\uFFFD你",                   // the second start is whole
		"\xed\xa0\x80":     "\uFFFD\uFFFD\uFFFD",        // a surrogate is three bad bytes
		"\xf0\x9f\x98":     "\uFFFD",                    // broken off at the end
		"\xc0\x80\xff":     "\uFFFD\uFFFD\uFFFD",        // never valid starts
		"\xf4\x90\x80\x80": strings.Repeat("\uFFFD", 4), // above U+10FFFF
	} {
		assert.Equal(t, want, lossyUTF8([]byte(in)), "%q", in)
	}
}
