package data

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is one row of "added_tokens". Normalized defaults to the opposite
// of Special, as in Hugging Face's AddedToken.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized *bool  `json:"normalized"`
	Special    bool   `json:"special"`
	escaped    bool   // Content is as the normaliser would leave it
}

func (a addedToken) isNormalized() bool {
	if a.Normalized == nil {
		return !a.Special
	}
	return *a.Normalized
}

// addedSet finds added tokens in text: leftmost first, longest there.
type addedSet struct {
	tokens []addedToken
	root   *trieNode
}

type trieNode struct {
	next map[byte]*trieNode
	tok  int // index into tokens, -1 for none
}

func newAddedSet(tokens []addedToken) *addedSet {
	s := &addedSet{tokens: tokens, root: &trieNode{tok: -1}}
	for i, t := range tokens {
		n := s.root
		for j := 0; j < len(t.Content); j++ {
			if n.next == nil {
				n.next = map[byte]*trieNode{}
			}
			c := n.next[t.Content[j]]
			if c == nil {
				c = &trieNode{tok: -1}
				n.next[t.Content[j]] = c
			}
			n = c
		}
		if n != s.root && n.tok < 0 {
			n.tok = i
		}
	}
	return s
}

// match gives the longest token at the start of text, or -1.
func (s *addedSet) match(text string) (tok, length int) {
	tok = -1
	n := s.root
	for i := 0; i < len(text); i++ {
		if n = n.next[text[i]]; n == nil {
			break
		}
		if n.tok >= 0 {
			tok, length = n.tok, i+1
		}
	}
	return tok, length
}

// split cuts p into added tokens and the text between them. Spaces that a token
// strips belong to the token, so they vanish from the text beside it.
func (s *addedSet) split(p piece) []piece {
	if len(s.tokens) == 0 {
		return []piece{p}
	}
	var out []piece
	text := func(from, to int) {
		if from < to {
			out = append(out, piece{text: p.text[from:to], id: -1, start: p.start && from == 0})
		}
	}
	done := 0 // everything before is in out
	for i := 0; i < len(p.text); {
		tok, n := s.match(p.text[i:])
		if tok < 0 {
			i++
			continue
		}
		a, from, to := s.tokens[tok], i, i+n
		i = to
		if a.SingleWord && (endsWithWord(p.text[:from]) || startsWithWord(p.text[to:])) {
			continue
		}
		if a.LStrip {
			from = len(strings.TrimRightFunc(p.text[:from], unicode.IsSpace))
		}
		if a.RStrip {
			to = len(p.text) - len(strings.TrimLeftFunc(p.text[to:], unicode.IsSpace))
		}
		text(done, max(from, done))
		out = append(out, piece{id: a.ID})
		done = to
		i = max(i, done)
	}
	text(done, len(p.text))
	return out
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWordRune(r)
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWordRune(r)
}

// isWordRune is the regular expression class \w with Unicode on.
func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) || unicode.Is(unicode.Nl, r) ||
		unicode.Is(unicode.Pc, r) || unicode.Is(unicode.Other_Alphabetic, r) || unicode.Is(unicode.Join_Control, r) || unicode.Is(newerWords, r)
}
