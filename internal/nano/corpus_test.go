package nano

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func corpus(seed uint64, tokens int) []string { return slices.Collect(Corpus(seed, tokens)) }

func TestCorpusIsDeterministic(t *testing.T) {
	short, long := corpus(3, 20_000), corpus(3, 40_000)
	require.Equal(t, corpus(3, 40_000), long)
	require.Equal(t, short, long[:len(short)], "a longer corpus begins with the shorter one")
	require.NotEqual(t, short[:50], corpus(4, 20_000)[:50])
}

func TestCorpusStopsWhenAsked(t *testing.T) {
	n := 0
	for range Corpus(1, 1_000_000) {
		if n++; n == 5 {
			break
		}
	}
	require.Equal(t, 5, n)
	require.Empty(t, corpus(1, 0))
}

func TestCorpusStatistics(t *testing.T) {
	docs := corpus(DefaultSeed, 1_200_000) // a third of the corpus that is trained on
	count, types, distinct := 0, map[string]int{}, map[string]bool{}
	for _, d := range docs {
		count += tokens(d)
		distinct[d] = true
		for _, w := range wordsOf(d) {
			types[strings.TrimSuffix(w, "'s")]++
		}
	}
	assert.InDelta(t, 1_200_000, count, 500)
	assert.Greater(t, len(types), 1_000)
	assert.Less(t, len(types), 1_600)
	assert.Greater(t, float64(len(distinct))/float64(len(docs)), 0.9, "documents should seldom repeat")
	seldom := 0
	for _, n := range types {
		if n < 10 {
			seldom++
		}
	}
	assert.Less(t, seldom, len(types)/20, "a word must occur often enough to be learnt")
}

var (
	wrongArticle = regexp.MustCompile(`\b[Aa] [aeiou]|\b[Aa]n [^aeiou]`)
	smallStart   = regexp.MustCompile(`(^|[.!] )["']*[a-z]`)
)

// requireProse checks what can be checked of the surface of a text.
func requireProse(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "  ")
	require.NotRegexp(t, `[{}\[\]|@~#\t\n]`, text)
	require.NotRegexp(t, `\.\.|,,| [,.!?;]|[,.]{2}|[.!?][A-Za-z]`, text)
	require.NotRegexp(t, wrongArticle, text)
	require.NotRegexp(t, smallStart, text)
	require.Regexp(t, `[.!?]"?$`, text)
	require.Zero(t, strings.Count(text, `"`)%2, text)
	words := strings.Fields(text)
	for i := 1; i < len(words); i++ {
		require.NotEqual(t, words[i-1], words[i], text)
	}
}

func TestCorpusIsProse(t *testing.T) {
	for text := range Corpus(7, 300_000) {
		requireProse(t, text)
	}
}

func TestFactsAreSaidAlike(t *testing.T) {
	capital := regexp.MustCompile(`[Tt]he capital of (\w+) is (\w+)`)
	trade := regexp.MustCompile(`(?:^|[.?] )([A-Z][a-z]+) is an? (\w+)[. ]`)
	capitals, trades := map[string]string{}, map[string]string{}
	for text := range Corpus(11, 300_000) {
		for found, pattern := range map[*map[string]string]*regexp.Regexp{&capitals: capital, &trades: trade} {
			for _, m := range pattern.FindAllStringSubmatch(text, -1) {
				if m[1] == "He" || m[1] == "She" {
					continue
				}
				if before, ok := (*found)[m[1]]; ok {
					require.Equal(t, before, m[2], text)
				}
				(*found)[m[1]] = m[2]
			}
		}
	}
	require.Len(t, capitals, len(loaded().tables["region"].keys))
	require.GreaterOrEqual(t, len(trades), len(loaded().tables["p"].keys))
}

// Every template is expanded for every kind of review, so that a misspelt
// symbol cannot hide in a rare one.
func TestEveryTemplateExpands(t *testing.T) {
	r := &rng{state: 5}
	for name, templates := range loaded().lists {
		for _, template := range templates {
			for _, domain := range domainsFor(name) {
				s := newReview(r, r.chance(50))
				s.domain = domain
				s.vars["whole1"] = s.pick("whole")
				s.vars["player1"] = s.pick("player")
				require.NotPanics(t, func() { s.expand(template) }, "%s: %s", name, template)
				require.NotRegexp(t, `[{}\[\]|]`, s.expand(template))
			}
		}
	}
}

func domainsFor(list string) []string {
	all := loaded().lists["domain"]
	if own, _, _ := strings.Cut(list, "."); slices.Contains(all, own) {
		return []string{own}
	}
	return all
}

func TestTablesRefer(t *testing.T) {
	for name, table := range loaded().tables {
		for _, column := range table.columns {
			if other := loaded().tables[column]; other != nil {
				for _, key := range table.keys {
					require.Contains(t, other.rows, table.rows[key][column], "%s of %s in table %s", column, key, name)
				}
			}
		}
	}
}

var wordPattern = regexp.MustCompile(`[a-z]+(?:[-'][a-z]+)*`)

// wordsOf splits a text into words in lower case.
func wordsOf(text string) []string { return wordPattern.FindAllString(strings.ToLower(text), -1) }
