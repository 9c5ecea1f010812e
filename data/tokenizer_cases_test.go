package data

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The models have user defined pieces, blanks that are dropped, a table of their own, scores that are all equal: what real ones have seldom.
func TestSentencePieceModelsEqualTheLibrary(t *testing.T) {
	var want struct {
		Lines []string
		IDs   map[string][][]int32
	}
	raw, err := os.ReadFile("testdata/sentencepiece.golden.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &want))
	require.Len(t, want.IDs, 4)
	for name, all := range want.IDs {
		tok, err := LoadTokenizer(filepath.Join("testdata", name+".model"))
		require.NoError(t, err)
		for i, line := range want.Lines {
			assert.Equal(t, all[i], tok.Encode(line, true), "%s: %q", name, line)
		}
		assert.Equal(t, "ab", strings.TrimSpace(tok.Decode(tok.Encode("ab", false), true)), name)
	}
}

// A model directory as Llama 2's first release had it: no tokenizer.json, and tokens that a file beside the model adds.
func TestModelFileBesideConfig(t *testing.T) {
	dir := t.TempDir()
	raw, err := os.ReadFile("testdata/bpe.model")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer.model"), raw, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"model_type":"llama"}`), 0o644))
	plain, err := LoadTokenizer(dir)
	require.NoError(t, err)
	the, maker := plain.Encode("the", false), plain.Encode("maker", false)
	size := int32(plain.VocabSize())

	added := func(name, text string) Tokenizer {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		tok, err := LoadTokenizer(dir)
		require.NoError(t, err)
		assert.EqualValues(t, size+1, tok.VocabSize())
		want := append(append(append([]int32{1}, the...), size), maker...)
		assert.Equal(t, want, tok.Encode("the<pad>maker", true), name)
		return tok
	}
	added("added_tokens.json", fmt.Sprintf(`{"<pad>":%d}`, size))
	tok := added("tokenizer_config.json", fmt.Sprintf(`{"tokenizer_class":"LlamaTokenizer","pad_token":"<pad>","added_tokens_decoder":{"%d":{"content":"<pad>","special":true}}}`, size))
	assert.EqualValues(t, size, tok.Special().Pad)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte("{}"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "added_tokens.json"), []byte(fmt.Sprintf(`{"<x>":%d,"<y>":%d}`, size, size)), 0o644))
	for range 20 { // whatever the order of a map, two texts of one id decode the same way
		tok, err := LoadTokenizer(dir)
		require.NoError(t, err)
		require.Equal(t, "<y>", tok.Decode([]int32{size}, false))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte("{\n]"), 0o644))
	_, err = LoadTokenizer(dir)
	assert.ErrorContains(t, err, "tokenizer_config.json: line 2")
}

// A joiner, and a letter of a Unicode newer than Go's tables, go on with a word, so that no single-word token begins after them.
func TestSingleWordTokenBesideJoiner(t *testing.T) {
	tok := testTokenizer(t, "bytebpe")
	id := func(text string) int32 { return tok.Encode(text, false)[0] }
	word := id("<word>")
	for _, text := range []string{"\u200d<word>", "<word>\u200c", "\U000136da<word>", "<word>\u1c89"} {
		assert.NotContains(t, tok.Encode(text, false), word, "%q", text)
	}
	assert.Contains(t, tok.Encode("\u200b<word>!", false), word)
}

// Forty replacements of one character by two make a million million of it.
func TestReplacementsDoNotFillTheMemory(t *testing.T) {
	double := strings.Repeat(`{"type":"Replace","pattern":{"String":"a"},"content":"aa"},`, 40)
	list := "[" + strings.TrimSuffix(double, ",") + "]"
	model := `"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}`
	tok, err := parseTokenizer([]byte(`{"normalizer":{"type":"Sequence","normalizers":` + list + `},` + model + `}`))
	require.NoError(t, err)
	tok.Encode("a", false)
	assert.ErrorContains(t, tok.Err(), "normalizer makes")
	tok, err = parseTokenizer([]byte(`{"decoder":{"type":"Sequence","decoders":` + list + `},` + model + `}`))
	require.NoError(t, err)
	tok.Decode([]int32{0, 0}, false)
	assert.ErrorContains(t, tok.Err(), "decoder makes")
	for want, raw := range map[string]string{
		"Replace with 99 bytes":    `{"normalizer":{"type":"Replace","pattern":{"String":"a"},"content":"` + strings.Repeat("x", 99) + `"},` + model + `}`,
		"Prepend of 99 bytes":      `{"normalizer":{"type":"Prepend","prepend":"` + strings.Repeat("x", 99) + `"},` + model + `}`,
		"a template of 99 entries": `{"post_processor":{"type":"TemplateProcessing","single":[` + strings.TrimSuffix(strings.Repeat(`{"Sequence":{"id":"A","type_id":0}},`, 99), ",") + `]},` + model + `}`,
	} {
		_, err := parseTokenizer([]byte(raw))
		assert.ErrorContains(t, err, want)
	}
}

// A table that points outside itself is an error, or stands for no replacement.
func TestDamagedTable(t *testing.T) {
	for _, raw := range []string{"x", "\x08\x00\x00\x00\x00", "\x03\x00\x00\x00abc", "\x00\x00\x00\x00"} {
		_, err := parseCharsmap([]byte(raw))
		assert.ErrorContains(t, err, "normalisation table", "%q", raw)
	}
	for _, raw := range []string{"\x04\x00\x00\x00\xff\xff\xff\xff", "\x08\x00\x00\x00\x00\x04\x00\x00a\xff\x00\x00", "\x04\x00\x00\x00\x00\x00\x00\x00"} {
		c, err := parseCharsmap([]byte(raw))
		require.NoError(t, err)
		_, n := c.match("abc")
		assert.Zero(t, n)
	}
}

// Viterbi's search and the merges of a .model file take time in proportion to the text.
func TestLongTextOfModelFilesIsFast(t *testing.T) {
	for _, name := range []string{"bpe", "unigram", "table"} {
		tok, err := LoadTokenizer(filepath.Join("testdata", name+".model"))
		require.NoError(t, err)
		for _, text := range []string{strings.Repeat("theplate", 125_000), strings.Repeat("\u2581", 300_000), strings.Repeat("\U0001F600", 250_000)} {
			start := time.Now()
			tok.Encode(text, false)
			assert.Less(t, time.Since(start), 20*time.Second, name)
		}
	}
}
