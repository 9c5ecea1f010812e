package data

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// goldens is what scripts/golden_tokenizers.py wrote.
type goldens struct {
	Lines      []string
	Pairs      [][2]string
	Tokenizers map[string]struct {
		Plain, Special, Pairs, Types [][]int32
		Decoded, Skipped             []string
		Vocab                        int
	}
	Assets map[string][][]int32
}

func readGoldens(t testing.TB) (g goldens) {
	t.Helper()
	raw, err := os.ReadFile("testdata/tokenizers.golden.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &g))
	return g
}

// asset gives the path of a file of the assets folder, or skips the test.
func asset(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("LUTHIER_ASSETS")
	set := dir != ""
	if !set {
		dir = filepath.Join("..", "..", "shared", "assets")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		require.False(t, set, "LUTHIER_ASSETS is set, but: %v", err)
		t.Skipf("no assets: %v", err)
	}
	return path
}

// ids never nil, so that an empty encoding equals an empty golden.
func ids(v []int32) []int32 {
	if v == nil {
		return []int32{}
	}
	return v
}

func TestTokenizersEqualHuggingFace(t *testing.T) {
	g := readGoldens(t)
	require.Len(t, g.Tokenizers, 5)
	for name, want := range g.Tokenizers {
		t.Run(name, func(t *testing.T) {
			tok, err := LoadTokenizer(filepath.Join("testdata", name+".tokenizer.json"))
			require.NoError(t, err)
			assert.Equal(t, want.Vocab, tok.VocabSize())
			for i, line := range g.Lines {
				assert.Equal(t, want.Plain[i], ids(tok.Encode(line, false)), "line %d %q", i, line)
				assert.Equal(t, want.Decoded[i], tok.Decode(want.Plain[i], false), "decoding line %d %q", i, line)
				assert.Equal(t, want.Skipped[i], tok.Decode(want.Plain[i], true), "decoding line %d %q without special tokens", i, line)
			}
			for i, special := range want.Special {
				assert.Equal(t, special, ids(tok.Encode(g.Lines[i], true)), "line %d with special tokens", i)
			}
			for i, p := range g.Pairs {
				gotIDs, gotTypes := tok.EncodePair(p[0], p[1])
				assert.Equal(t, want.Pairs[i], ids(gotIDs), "pair %d", i)
				assert.Equal(t, want.Types[i], ids(gotTypes), "types of pair %d", i)
			}
			assert.NoError(t, tokenizerErr(tok))
		})
	}
}

func TestRealTokenizers(t *testing.T) {
	g := readGoldens(t)
	require.Len(t, g.Assets, 4)
	for name, want := range g.Assets {
		t.Run(filepath.Base(name), func(t *testing.T) {
			tok, err := LoadTokenizer(asset(t, name))
			require.NoError(t, err)
			i := 0
			for _, line := range g.Lines {
				// The SentencePiece library does not look for special tokens in text.
				if filepath.Ext(name) == ".model" && strings.ContainsAny(line, "<\x00") {
					continue
				}
				assert.Equal(t, want[i], ids(tok.Encode(line, true)), "%q", line)
				i++
			}
			require.Len(t, want, i)
		})
	}
}
