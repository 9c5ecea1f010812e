package nano

import (
	"math"
	"regexp"
	"slices"
	"strings"
)

var wordPattern = regexp.MustCompile(`[a-z]+(?:[-'][a-z]+)*`)

func wordsOf(text string) []string { return wordPattern.FindAllString(strings.ToLower(text), -1) }

// bagOfWords trains a logistic regression on which words (with pairs: and
// neighbouring pairs) a row contains and returns its accuracy on the test rows.
func bagOfWords(train, test []Row, pairs bool) float64 {
	weight := map[string]float64{}
	inputs := make([][]string, len(train))
	for i, r := range train {
		inputs[i] = features(r.Text, pairs)
	}
	for range 40 {
		for i, r := range train {
			fs := inputs[i]
			err := -probability(weight, fs)
			if r.Label == Positive {
				err++
			}
			for _, f := range fs {
				weight[f] += 0.1*err - 0.002*weight[f]
			}
		}
	}
	right := 0
	for _, r := range test {
		if (probability(weight, features(r.Text, pairs)) > 0.5) == (r.Label == Positive) {
			right++
		}
	}
	return float64(right) / float64(len(test))
}

func features(text string, pairs bool) []string {
	fs := wordsOf(text)
	if pairs {
		words := fs
		for i := 1; i < len(words); i++ {
			fs = append(fs, words[i-1]+" "+words[i])
		}
	}
	slices.Sort(fs)
	return append(slices.Compact(fs), "(bias)")
}

func probability(weight map[string]float64, fs []string) float64 {
	sum := 0.0
	for _, f := range fs {
		sum += weight[f]
	}
	return 1 / (1 + math.Exp(-sum))
}
