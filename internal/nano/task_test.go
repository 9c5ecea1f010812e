package nano

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTaskIsDeterministic(t *testing.T) {
	train, test := Task(3)
	again, testAgain := Task(3)
	require.Equal(t, train, again)
	require.Equal(t, test, testAgain)
	other, _ := Task(4)
	require.NotEqual(t, train, other)
}

func TestTaskForManySeeds(t *testing.T) {
	for seed := range uint64(12) {
		train, test := Task(seed)
		require.Len(t, train, trainRows)
		require.Len(t, test, testRows)
		seen := map[string]bool{}
		for _, rows := range [][]Row{train, test} {
			positive := 0
			for _, r := range rows {
				requireProse(t, r.Text)
				require.False(t, seen[r.Text], "twice: %s", r.Text)
				seen[r.Text] = true
				if r.Label == Positive {
					positive++
				} else {
					require.Equal(t, Negative, r.Label)
				}
			}
			require.Equal(t, len(rows)/2, positive)
		}
	}
}

// opinionWords maps each word that only praise or only blame uses in a row to its side.
func opinionWords() map[string]string {
	sides := map[string]string{}
	for _, list := range taskLists {
		for _, side := range []string{"pos.", "neg."} {
			for _, phrase := range loaded().lists[side+list] {
				for _, w := range wordsOf(phrase) {
					if other := sides[w]; other != "" && other != side {
						side = "both"
					}
					sides[w] = side
				}
			}
		}
	}
	for w, side := range sides {
		if side == "both" {
			delete(sides, w)
		}
	}
	return sides
}

func TestTestRowsHaveUnseenOpinions(t *testing.T) {
	train, test := Task(DefaultSeed)
	opinions, seen := opinionWords(), map[string]bool{}
	for _, r := range train {
		for _, w := range wordsOf(r.Text) {
			seen[w] = true
		}
	}
	known := map[string]bool{}
	for text := range Corpus(DefaultSeed, 300_000) {
		for _, w := range wordsOf(text) {
			known[w] = true
		}
	}
	total, unseen := 0, 0
	for _, r := range test {
		for _, w := range wordsOf(r.Text) {
			require.True(t, known[strings.TrimSuffix(w, "'s")], "%q is not in the corpus", w)
			if opinions[w] != "" {
				total++
				if !seen[w] {
					unseen++
				}
			}
		}
	}
	share := float64(unseen) / float64(total)
	t.Logf("opinion words in the test rows: %d, unseen in training: %.1f %%", total, 100*share)
	assert.Greater(t, share, 0.25)
	assert.Less(t, share, 0.5)
}

// opinionPhrase matches whatever a row says in praise or blame, "an" or "a"
// before it included.
func opinionPhrase() *regexp.Regexp {
	pronoun := regexp.MustCompile(`\{\w+\}`)
	var phrases []string
	for _, list := range taskLists {
		for _, side := range []string{"pos.", "neg."} {
			for _, phrase := range loaded().lists[side+list] {
				phrase = strings.TrimPrefix(strings.TrimPrefix(phrase, "a "), "an ")
				phrases = append(phrases, pronoun.ReplaceAllString(phrase, `[\w']+`))
			}
		}
	}
	slices.SortFunc(phrases, func(a, b string) int { return len(b) - len(a) })
	return regexp.MustCompile(`\b(?:an? )?(?:` + strings.Join(phrases, "|") + `)\b`)
}

// Without praise and blame nothing may be left that tells the label: not a
// denial, a conjunction, a place or a person.
func TestShapesDoNotLeakTheLabel(t *testing.T) {
	opinion := opinionPhrase()
	mask := func(rows []Row) []Row {
		out := slices.Clone(rows)
		for i, r := range out {
			out[i].Text = opinion.ReplaceAllString(r.Text, "so-and-so")
		}
		return out
	}
	sum, seeds := 0.0, 4
	for seed := range uint64(seeds) {
		train, test := Task(seed)
		sum += bagOfWords(mask(train), mask(test), true)
	}
	t.Logf("accuracy without praise and blame: %.3f", sum/float64(seeds))
	assert.InDelta(t, 0.5, sum/float64(seeds), 0.05)
}

func TestBagOfWordsLeavesRoom(t *testing.T) {
	sum, pairs, seeds := 0.0, 0.0, 4
	for seed := range uint64(seeds) {
		train, test := Task(seed)
		sum += bagOfWords(train, test, false)
		pairs += bagOfWords(train, test, true)
	}
	t.Logf("bag of words: %.3f, with pairs: %.3f", sum/float64(seeds), pairs/float64(seeds))
	assert.Greater(t, sum/float64(seeds), 0.58)
	assert.Less(t, pairs/float64(seeds), 0.80)
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
