package data

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every name that LoadClassification takes for a label is one that tells of labels.
func TestLabelKey(t *testing.T) {
	key := func(names ...string) string {
		row := map[string]bool{}
		for _, n := range names {
			row[n] = true
		}
		return LabelKey(func(n string) bool { return maps.Clone(row)[n] })
	}
	for _, n := range labelNames {
		require.Equal(t, n, key("text", n))
	}
	require.Empty(t, key("text", "id"))
	require.Equal(t, "label", key("text", "score", "label"), "the more usual name")
	require.Empty(t, key("prompt", "completion", "score"), "a rating of text to write")
	require.Empty(t, key("prompt", "completion", "category"))
	require.Equal(t, "label", key("prompt", "completion", "label"))
}
