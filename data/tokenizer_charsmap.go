package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// charsmap is the normalisation table of a SentencePiece model: a double-array
// trie (Aoe 1989) over the bytes of what is replaced, whose values are offsets
// of the NUL-terminated replacements in out.
type charsmap struct {
	trie []uint32
	out  []byte
}

// parseCharsmap reads a precompiled_charsmap: the trie's size in bytes, the
// trie, the replacements. None gives nil.
func parseCharsmap(raw []byte) (*charsmap, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if len(raw) < 4 {
		return nil, fmt.Errorf("normalisation table of %d bytes", len(raw))
	}
	size := int64(binary.LittleEndian.Uint32(raw))
	if raw = raw[4:]; size%4 != 0 || size == 0 || size > int64(len(raw)) {
		return nil, fmt.Errorf("normalisation table with a trie of %d bytes in %d", size, len(raw))
	}
	c := &charsmap{trie: make([]uint32, size/4), out: raw[size:]}
	for i := range c.trie {
		c.trie[i] = binary.LittleEndian.Uint32(raw[4*i:])
	}
	return c, nil
}

// match gives the replacement of the longest prefix of s that has one, and the
// length of that prefix; 0 for none.
func (c *charsmap) match(s string) (to string, n int) {
	at, ok := c.child(0)
	value := uint32(0)
	for i := 0; ok && i < len(s); i++ {
		at ^= uint32(s[i])
		if uint64(at) >= uint64(len(c.trie)) || c.trie[at]&(1<<31|0xFF) != uint32(s[i]) {
			break
		}
		leaf := c.trie[at]>>8&1 != 0
		if at, ok = c.child(at); ok && leaf {
			value, n = c.trie[at]&(1<<31-1), i+1
		}
	}
	if n == 0 || uint64(value) >= uint64(len(c.out)) {
		return "", 0
	}
	to, _, _ = strings.Cut(string(c.out[value:min(len(c.out), int(value)+maxReplacement)]), "\x00")
	return to, n
}

// maxReplacement bounds the bytes of a replacement, which a damaged table may
// not terminate. Unicode's longest has 33.
const maxReplacement = 256

// child is where the children of a node begin, before the label is added.
func (c *charsmap) child(node uint32) (uint32, bool) {
	unit := c.trie[node]
	at := node ^ unit>>10<<(unit&(1<<9)>>6)
	return at, uint64(at) < uint64(len(c.trie))
}

// spNormalizer is SentencePiece's way from text to what its model sees.
type spNormalizer struct {
	table                    *charsmap // nil for none
	literal                  *addedSet // user defined pieces, which the table leaves alone
	dummyPrefix, removeExtra bool
}

// next gives what the start of s becomes and its length.
func (z *spNormalizer) next(s string) (to string, n int) {
	if tok, n := z.literal.match(s); tok >= 0 {
		return s[:n], n
	}
	if z.table != nil {
		if to, n := z.table.match(s); n > 0 {
			return to, n
		}
	}
	_, n = utf8.DecodeRuneInString(s)
	return s[:n], n
}

// normalize drops blanks at both ends and all but one of several where the
// model says so, and spells the others as the sign spSpace.
func (z *spNormalizer) normalize(s string) string {
	from := 0
	for z.removeExtra && from < len(s) {
		to, n := z.next(s[from:])
		if to != " " {
			break
		}
		from += n
	}
	if s = s[from:]; s == "" {
		return ""
	}
	var b bytes.Buffer
	b.Grow(len(s) + len(s)/4 + len(spSpace))
	if z.dummyPrefix {
		b.WriteString(spSpace)
	}
	blank := z.removeExtra // the last character was one that swallows blanks
	for len(s) > 0 {
		to, n := z.next(s)
		if s = s[n:]; blank {
			to = strings.TrimLeft(to, " ")
		}
		if to == "" {
			continue
		}
		blank = z.removeExtra && to[len(to)-1] == ' '
		b.WriteString(strings.ReplaceAll(to, " ", spSpace))
	}
	out := b.Bytes()
	for z.removeExtra && bytes.HasSuffix(out, []byte(spSpace)) { // signs written in the text too
		out = out[:len(out)-len(spSpace)]
	}
	return string(out)
}
