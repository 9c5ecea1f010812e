package nano

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTaskIsBalancedAndRepeats(t *testing.T) {
	for seed := range uint64(8) {
		train, test := Task(seed)
		train2, test2 := Task(seed)
		require.Equal(t, train, train2)
		require.Equal(t, test, test2)
		seen, labels := map[string]bool{}, map[string]int{}
		for _, r := range append(append([]Row(nil), train...), test...) {
			requireProse(t, r.Text)
			require.False(t, seen[r.Text], r.Text)
			seen[r.Text] = true
			labels[r.Label]++
		}
		require.Len(t, labels, len(Topics))
		for _, n := range labels {
			require.Equal(t, (topicTrain+topicTest)/len(Topics), n)
		}
	}
}

// Half of the things are new in the test rows, and the corpus knows them all.
func TestTestRowsHaveUnseenThings(t *testing.T) {
	train, test := Task(DefaultSeed)
	in := func(rows []Row) map[string]bool {
		m := map[string]bool{}
		for _, r := range rows {
			for _, topic := range Topics {
				for _, w := range topicThings(topic) {
					if w = strings.TrimSuffix(w, "+"); strings.Contains(" "+strings.ToLower(r.Text), " "+w) {
						m[w] = true
					}
				}
			}
		}
		return m
	}
	trained, tested := in(train), in(test)
	unseen := 0
	for w := range tested {
		if !trained[w] {
			unseen++
		}
	}
	require.InDelta(t, 0.5, float64(unseen)/float64(len(tested)), 0.12)
	text := strings.ToLower(strings.Join(corpus(DefaultSeed, 200_000), "\n"))
	for w := range tested {
		require.Contains(t, text, w)
	}
}

// Sentences that differ in their things alone stand under every label: nothing else tells.
func TestOnlyThingsTellTheTopic(t *testing.T) {
	for _, f := range topicForms {
		require.Contains(t, f, "{n1}")
	}
	for i, a := range Topics {
		for _, b := range Topics[i+1:] {
			for _, w := range topicThings(a) {
				require.NotContains(t, topicThings(b), w)
			}
		}
	}
}

func TestLetters(t *testing.T) {
	letters := Letters(DefaultSeed, LetterLines)
	require.Len(t, letters, LetterLines)
	require.Equal(t, letters, Letters(DefaultSeed, LetterLines))
	seen := map[string]bool{}
	for _, l := range letters {
		requireProse(t, l)
		require.False(t, seen[l], l)
		seen[l] = true
	}
	for text := range Corpus(DefaultSeed, 300_000) {
		require.NotRegexp(t, `\b([Tt]hee|[Tt]hy|[Tt]hine|hath|[Tt]is)\b`, text)
	}
}
