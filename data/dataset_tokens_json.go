package data

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// wordNames and tagNames are tried in order where Columns leaves a field empty.
var (
	wordNames = []string{"tokens", "words"}
	tagNames  = []string{"ner_tags", "tags", "labels", "ner", "pos_tags", "chunk_tags", "label"}
)

func sentencesFromJSON(path string, raw []byte, o Columns) ([]Sentence, error) {
	var out []Sentence
	var cols *Columns // decided by the first row
	err := eachJSON(path, raw, func(r jsonRow) error {
		if cols == nil {
			c, err := resolveTokenNames(r, o)
			if err != nil {
				return lineError(path, r.line, "%w", err)
			}
			cols = &c
		}
		s, err := sentenceFromJSON(r, *cols)
		if err != nil {
			return lineError(path, r.line, "%w", err)
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

func resolveTokenNames(r jsonRow, o Columns) (Columns, error) {
	first := func(given string, usual []string) (string, error) {
		if given != "" {
			usual = []string{given}
		}
		for _, n := range usual {
			if _, ok := r.fields[n]; ok {
				return n, nil
			}
		}
		return "", fmt.Errorf("no %s among the keys %s", strings.Join(usual, ", "), strings.Join(slices.Sorted(maps.Keys(r.fields)), ", "))
	}
	text, err := first(o.Text, wordNames)
	if err != nil {
		return o, fmt.Errorf("%w; name the key of the words with --text-column", err)
	}
	label, err := first(o.Label, tagNames)
	if err != nil && (!o.Unlabeled || o.Label != "") {
		return o, fmt.Errorf("%w; name the key of the tags with --label-column", err)
	}
	o.Text, o.Label = text, label
	return o, nil
}

func sentenceFromJSON(r jsonRow, c Columns) (s Sentence, err error) {
	s.Line = r.line
	raw, ok := r.fields[c.Text]
	if !ok {
		return s, fmt.Errorf("no %q", c.Text)
	}
	if json.Unmarshal(raw, &s.Words) != nil || len(s.Words) == 0 {
		return s, fmt.Errorf("%q is not an array of words: %.40s", c.Text, raw)
	}
	for i, w := range s.Words {
		if w == "" { // null too
			return s, fmt.Errorf("%q[%d]: the word is empty", c.Text, i)
		}
	}
	raw, ok = r.fields[c.Label]
	if !ok || string(raw) == "null" {
		if c.Unlabeled {
			return s, nil
		}
		return s, fmt.Errorf("no %q", c.Label)
	}
	if s.Tags, err = tagsFromJSON(raw); err != nil {
		return s, fmt.Errorf("%q: %w", c.Label, err)
	}
	if len(s.Tags) != len(s.Words) {
		return s, fmt.Errorf("%d tags in %q for %d words in %q", len(s.Tags), c.Label, len(s.Words), c.Text)
	}
	return s, nil
}

// tagsFromJSON reads an array of strings or of class numbers, which stay text.
func tagsFromJSON(raw json.RawMessage) ([]string, error) {
	var cells []json.RawMessage
	if json.Unmarshal(raw, &cells) != nil {
		return nil, fmt.Errorf("not an array of tags: %.40s", raw)
	}
	out := make([]string, len(cells))
	for i, c := range cells {
		t, ok := labelText(c)
		if ok && c[0] != '"' {
			n, err := strconv.Atoi(t)
			ok = err == nil && n >= 0
		}
		if !ok {
			return nil, fmt.Errorf("tag %d is neither text nor a class number: %.40s", i, c)
		}
		out[i] = t
	}
	return out, nil
}
