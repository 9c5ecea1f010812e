package data

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A user defined piece wins over pieces of a better sum, as in SentencePiece 0.2.3: its score is -0.1 however bad the others are. The scores are
// those of a model trained there, which cuts "▁label" so.
func TestUnigramUserDefined(t *testing.T) {
	m := &spModel{pieces: []spPiece{{text: "<unk>", kind: spUnknown}, {text: "ab", kind: spUserDefined}, {text: "▁", score: -2.6869376, kind: spNormal},
		{text: "e", score: -3.4617217, kind: spNormal}, {text: "l", score: -4.707966, kind: spNormal}, {text: "b", score: -5.6986923, kind: spNormal},
		{text: "▁la", score: -7.1583858, kind: spNormal}}}
	tokens := map[string]int32{}
	for i, p := range m.pieces {
		tokens[p.text] = int32(i)
	}
	u := newUnigram(m, tokens, 0)
	require.Equal(t, []int32{2, 4, 1, 3, 4}, u.tokenize("▁label", nil))
	require.Equal(t, []int32{6, 3, 4}, u.tokenize("▁lael", nil))
}
