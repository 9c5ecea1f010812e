package data

import (
	"strings"
	"unicode/utf8"
)

// wordPiece takes the longest token that starts the word, then the longest
// continuation, and so on; a word that cannot be spelled is one unknown token.
type wordPiece struct {
	tokens   map[string]int32
	unk      int32
	prefix   string
	maxChars int
	longest  int // bytes of the longest token, which bounds the search
}

func (m *wordPiece) vocab() map[string]int32 { return m.tokens }

// continuing tells the tokens that go on with a word from those that begin one;
// nil where the model's tokens do not say.
func (t *tokenizer) continuing() func(id int32) bool {
	m, ok := t.model.(*wordPiece)
	if !ok || m.prefix == "" {
		return nil
	}
	return func(id int32) bool {
		text := t.byID[id]
		return len(text) > len(m.prefix) && strings.HasPrefix(text, m.prefix)
	}
}

func (m *wordPiece) tokenize(word string, out []int32) []int32 {
	if utf8.RuneCountInString(word) > m.maxChars {
		return append(out, m.unk)
	}
	base := len(out)
	buf := make([]byte, 0, m.longest+len(m.prefix))
	for from := 0; from < len(word); {
		buf = buf[:0]
		if from > 0 {
			buf = append(buf, m.prefix...)
		}
		skip := len(buf)
		to := min(len(word), from+m.longest)
		for to < len(word) && to > from && !utf8.RuneStart(word[to]) {
			to--
		}
		buf = append(buf, word[from:to]...)
		id, ok := int32(0), false
		for len(buf) > skip {
			if id, ok = m.tokens[string(buf)]; ok {
				break
			}
			_, n := utf8.DecodeLastRune(buf)
			buf = buf[:len(buf)-n]
		}
		if !ok {
			return append(out[:base], m.unk)
		}
		out = append(out, id)
		from += len(buf) - skip
	}
	return out
}
