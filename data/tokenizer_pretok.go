package data

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// preTokenizer cuts pieces into smaller ones; the model sees each by itself.
type preTokenizer func([]piece) []piece

// parsePreTokenizer builds the "pre_tokenizer"; nil where absent.
func parsePreTokenizer(raw json.RawMessage, fault *faultBox, depth int) (preTokenizer, error) {
	c, ok, err := parseComponent(raw, depth)
	if !ok {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		return preTokenizerSequence(c.PreTokenizers, fault, depth)
	case "ByteLevel":
		return parseByteLevel(raw)
	case "BertPreTokenizer":
		return bertPreTokenize, nil
	case "Whitespace":
		return perPiece(splitWhitespace), nil
	case "WhitespaceSplit":
		return perPiece(func(s string) []string { return cut(s, runeMatches(s, unicode.IsSpace), "Removed") }), nil
	case "Digits":
		p := struct {
			Individual bool `json:"individual_digits"`
		}{}
		behavior := "Contiguous"
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, err
		}
		if p.Individual {
			behavior = "Isolated"
		}
		return perPiece(func(s string) []string { return cut(s, runeMatches(s, unicode.IsNumber), behavior) }), nil
	case "Punctuation":
		p := struct {
			Behavior string `json:"behavior"`
		}{Behavior: "Isolated"}
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, err
		}
		return perPiece(func(s string) []string { return cut(s, runeMatches(s, isBertPunct), p.Behavior) }), checkBehavior(p.Behavior)
	case "Split":
		return parseSplit(raw, fault)
	case "Metaspace":
		return parseMetaspace(raw)
	}
	return nil, unsupported(c.Type)
}

func preTokenizerSequence(raws []json.RawMessage, fault *faultBox, depth int) (preTokenizer, error) {
	var all []preTokenizer
	for i, r := range raws {
		p, err := parsePreTokenizer(r, fault, depth+1)
		if err != nil {
			return nil, fmt.Errorf("pretokenizers[%d]: %w", i, err)
		}
		if p != nil {
			all = append(all, p)
		}
	}
	return func(ps []piece) []piece {
		for _, p := range all {
			ps = p(ps)
		}
		return ps
	}, nil
}

// perPiece lifts a function that cuts one string; the cuts may not be empty.
func perPiece(f func(string) []string) preTokenizer {
	return func(ps []piece) []piece {
		out := make([]piece, 0, 4*len(ps))
		for _, p := range ps {
			for i, s := range f(p.text) {
				out = append(out, piece{text: s, id: -1, start: p.start && i == 0})
			}
		}
		return out
	}
}

// bertPreTokenize drops white space and sets each punctuation mark apart.
func bertPreTokenize(ps []piece) []piece {
	out := make([]piece, 0, 16)
	for _, p := range ps {
		from := 0
		flush := func(to int) {
			if from < to {
				out = append(out, piece{text: p.text[from:to], id: -1})
			}
		}
		for i, r := range p.text {
			n := utf8.RuneLen(r)
			switch {
			case unicode.IsSpace(r):
				flush(i)
				from = i + n
			case isBertPunct(r):
				flush(i)
				from = i
				flush(i + n)
				from = i + n
			}
		}
		flush(len(p.text))
	}
	return out
}

// splitWhitespace is the pattern \w+|[^\w\s]+ .
func splitWhitespace(s string) []string {
	var out []string
	from, kind := 0, 0
	for i, r := range s {
		k := 2
		if isWordRune(r) {
			k = 1
		} else if unicode.IsSpace(r) {
			k = 0
		}
		if k != kind {
			if kind != 0 {
				out = append(out, s[from:i])
			}
			from, kind = i, k
		}
	}
	if kind != 0 {
		out = append(out, s[from:])
	}
	return out
}

// parseMetaspace builds SentencePiece's way with spaces: each becomes a visible
// sign that starts a word.
func parseMetaspace(raw json.RawMessage) (preTokenizer, error) {
	p := struct {
		Replacement string `json:"replacement"`
		Scheme      string `json:"prepend_scheme"`
		AddPrefix   *bool  `json:"add_prefix_space"` // older files
		Split       bool   `json:"split"`
	}{Replacement: "▁", Split: true}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(p.Replacement) != 1 {
		return nil, fmt.Errorf("Metaspace replacement %q is not one character", p.Replacement)
	}
	if p.Scheme == "" {
		p.Scheme = "always"
		if p.AddPrefix != nil && !*p.AddPrefix {
			p.Scheme = "never"
		}
	}
	sign, _ := utf8.DecodeRuneInString(p.Replacement)
	return func(ps []piece) []piece {
		var out []piece
		for _, q := range ps {
			s := strings.ReplaceAll(q.text, " ", p.Replacement)
			if (p.Scheme == "always" || p.Scheme == "first" && q.start) && !strings.HasPrefix(s, p.Replacement) {
				s = p.Replacement + s
			}
			parts := []string{s}
			if p.Split {
				parts = cut(s, runeMatches(s, func(r rune) bool { return r == sign }), "MergedWithNext")
			}
			for i, part := range parts {
				out = append(out, piece{text: part, id: -1, start: q.start && i == 0})
			}
		}
		return out
	}, nil
}
