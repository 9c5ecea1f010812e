package data

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// gpt2Pattern is the word pattern of GPT-2, which ByteLevel implies.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// byteRune is GPT-2's map from bytes to printable runes: a byte that prints in
// Latin-1 stands for itself, the others follow from U+0100 on.
var byteRune, runeByte = func() (fw [256]rune, back map[rune]byte) {
	back = map[rune]byte{}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE) {
			r = next
			next++
		}
		fw[b] = r
		back[r] = byte(b)
	}
	return fw, back
}()

// bytesToRunes spells the bytes of s in the runes of byte-level vocabularies.
func bytesToRunes(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i := 0; i < len(s); i++ {
		b.WriteRune(byteRune[s[i]])
	}
	return b.String()
}

// parseByteLevel builds the pre-tokenizer of GPT-2 and its heirs.
func parseByteLevel(raw json.RawMessage) (preTokenizer, error) {
	p := struct {
		AddPrefix bool `json:"add_prefix_space"`
		UseRegex  bool `json:"use_regex"`
	}{AddPrefix: true, UseRegex: true}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	return perPiece(func(s string) []string {
		if p.AddPrefix && !strings.HasPrefix(s, " ") {
			s = " " + s
		}
		parts := []string{s}
		if p.UseRegex {
			parts = gpt2Split(s)
		}
		for i := range parts {
			parts[i] = bytesToRunes(parts[i])
		}
		return parts
	}), nil
}

// Classes of runes that gpt2Split tells apart.
const (
	classOther = iota
	classLetter
	classNumber
	classSpace
)

func gpt2Class(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		switch {
		case r|0x20 >= 'a' && r|0x20 <= 'z':
			return classLetter
		case r >= '0' && r <= '9':
			return classNumber
		case r == ' ' || r >= '\t' && r <= '\r':
			return classSpace
		}
		return classOther
	case unicode.IsLetter(r):
		return classLetter
	case unicode.IsNumber(r):
		return classNumber
	case unicode.IsSpace(r):
		return classSpace
	}
	return classOther
}

// gpt2Split cuts s as gpt2Pattern does, by hand, because a backtracking engine
// is some twenty times slower on the path every token takes.
func gpt2Split(s string) []string {
	out := make([]string, 0, len(s)/4+1)
	for len(s) > 0 {
		n := gpt2Next(s)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

// gpt2Next gives the length of the first match of gpt2Pattern at the start of s.
func gpt2Next(s string) int {
	if n := contraction(s); n > 0 {
		return n
	}
	at := 0
	if s[0] == ' ' && len(s) > 1 {
		at = 1
	}
	r, _ := utf8.DecodeRuneInString(s[at:])
	if c := gpt2Class(r); c != classSpace {
		return at + classRun(s[at:], c)
	}
	// White space: all of it where the text ends, else all but the last rune,
	// which goes with the next word if it is a blank and is a match by itself if not.
	n := classRun(s, classSpace)
	if n == len(s) {
		return n
	}
	_, last := utf8.DecodeLastRuneInString(s[:n])
	if n > last {
		return n - last
	}
	return n
}

func classRun(s string, class int) int {
	for i, r := range s {
		if gpt2Class(r) != class {
			return i
		}
	}
	return len(s)
}

func contraction(s string) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	switch s[1] {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(s) > 2 {
		switch s[1:3] {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}
