package data

import (
	"fmt"
	"strings"
)

// Verbalizer gives each class the word that stands for it in a prompt. Words are taken as they are written, blanks included.
type Verbalizer struct {
	Labels []string // nil where the words are in the order of the labels
	Words  []string
}

// ParseVerbalizer reads "great,terrible", words in the order of the labels, or "positive=great,negative=terrible".
func ParseVerbalizer(s string) (Verbalizer, error) {
	var v Verbalizer
	for part := range strings.SplitSeq(s, ",") {
		label, word, named := strings.Cut(part, "=")
		if !named {
			word = part
		} else {
			v.Labels = append(v.Labels, strings.TrimSpace(label))
		}
		if strings.TrimSpace(word) == "" {
			return v, fmt.Errorf("%q has no word: write WORD,WORD in the order of the labels, or LABEL=WORD,LABEL=WORD", part)
		}
		v.Words = append(v.Words, word)
	}
	if len(v.Labels) > 0 && len(v.Labels) != len(v.Words) {
		return v, fmt.Errorf("%q names some labels and not others: write LABEL=WORD for each, or words alone", s)
	}
	if len(v.Words) < 2 {
		return v, fmt.Errorf("%q is one word: each class wants its own", s)
	}
	for _, all := range [][]string{v.Labels, v.Words} {
		seen := map[string]bool{}
		for _, x := range all {
			if seen[x] {
				return v, fmt.Errorf("%q stands twice", x)
			}
			seen[x] = true
		}
	}
	return v, nil
}

// Order gives a word for each of the labels, in their order. A label without a word is an error that says what to add, and so is a word
// whose label there is none of.
func (v Verbalizer) Order(labels []string) ([]string, error) {
	if v.Labels == nil {
		if len(v.Words) != len(labels) {
			return nil, fmt.Errorf("%d words for %d labels: give a word for each of %s, in this order", len(v.Words), len(labels), abridge(labels))
		}
		return v.Words, nil
	}
	word := map[string]string{}
	for i, l := range v.Labels {
		word[l] = v.Words[i]
	}
	out := make([]string, len(labels))
	for i, l := range labels {
		w, ok := word[l]
		if !ok {
			return nil, fmt.Errorf("label %q has no word: add %s=WORD", l, l)
		}
		out[i] = w
		delete(word, l)
	}
	for _, l := range v.Labels {
		if _, left := word[l]; left {
			return nil, fmt.Errorf("%q is no label: there are %s", l, abridge(labels))
		}
	}
	return out, nil
}

// Names are the labels that the verbalizer itself gives: those it names, in the order of LabelSet, or else the words without blanks around.
func (v Verbalizer) Names() []string {
	if v.Labels != nil {
		out := append([]string{}, v.Labels...)
		sortLabels(out)
		return out
	}
	var out []string
	for _, w := range v.Words {
		out = append(out, strings.TrimSpace(w))
	}
	return out
}
