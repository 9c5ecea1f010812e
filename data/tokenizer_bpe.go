package data

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// bpe merges neighbouring tokens, the pair of the lowest rank first and the
// leftmost of those, until no pair is left that has a rank.
type bpe struct {
	tokens map[string]int32
	merges map[[2]int32]merge
	unk    int32 // -1 for none: unknown characters are then dropped
	bytes  *[256]int32

	prefix, suffix        string
	fuseUnk, ignoreMerges bool

	mu    sync.Mutex
	cache map[string][]int32
}

type merge struct{ rank, id int32 }

// The cache holds short words only: text repeats those, and a bounded number
// of entries bounds the memory.
const (
	cacheEntries = 1 << 16
	cacheWord    = 64
)

func newBPE(tokens map[string]int32) *bpe {
	return &bpe{tokens: tokens, merges: map[[2]int32]merge{}, unk: -1, cache: map[string][]int32{}}
}

func (m *bpe) vocab() map[string]int32 { return m.tokens }

// addMerge adds the merge of tokens a and b. The part of b after the
// continuing prefix is what joins a.
func (m *bpe) addMerge(a, b string, rank int32) error {
	ia, oka := m.tokens[a]
	ib, okb := m.tokens[b]
	joined := a + strings.TrimPrefix(b, m.prefix)
	id, ok := m.tokens[joined]
	if !oka || !okb || !ok {
		return fmt.Errorf("%q and %q make %q: not all three are in the vocabulary", a, b, joined)
	}
	m.merges[[2]int32{ia, ib}] = merge{rank, id}
	return nil
}

// byteTokens are the ids of the byte fallback, where each byte b has a token
// <0xHH>; -1 where there is none. A vocabulary with some of them only falls back
// for characters it can spell.
func byteTokens(tokens map[string]int32) *[256]int32 {
	ids := new([256]int32)
	for b := range ids {
		id, ok := tokens[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = -1
		}
		ids[b] = id
	}
	return ids
}

func (m *bpe) tokenize(word string, out []int32) []int32 {
	if m.ignoreMerges {
		if id, ok := m.tokens[word]; ok {
			return append(out, id)
		}
	}
	if len(word) > cacheWord {
		return append(out, m.merge(word)...)
	}
	m.mu.Lock()
	ids, ok := m.cache[word]
	m.mu.Unlock()
	if !ok {
		ids = m.merge(word)
		m.mu.Lock()
		if len(m.cache) < cacheEntries {
			m.cache[strings.Clone(word)] = ids
		}
		m.mu.Unlock()
	}
	return append(out, ids...)
}

// letters gives the tokens of the single characters of word.
func (m *bpe) letters(word string) []int32 {
	out := make([]int32, 0, len(word))
	pending := false // an unknown character waits, to be fused with the next
	for i, n := 0, 0; i < len(word); i += n {
		_, n = utf8.DecodeRuneInString(word[i:])
		s := word[i : i+n]
		if m.prefix != "" && i > 0 {
			s = m.prefix + s
		}
		if m.suffix != "" && i+n == len(word) {
			s += m.suffix
		}
		if id, ok := m.tokens[s]; ok {
			if pending {
				out = append(out, m.unk)
				pending = false
			}
			out = append(out, id)
			continue
		}
		if m.bytes != nil && m.spellable(s) {
			for j := 0; j < len(s); j++ {
				out = append(out, m.bytes[s[j]])
			}
			continue
		}
		if m.unk < 0 {
			continue
		}
		if pending && !m.fuseUnk {
			out = append(out, m.unk)
		}
		pending = true
	}
	if pending {
		out = append(out, m.unk)
	}
	return out
}

func (m *bpe) spellable(s string) bool {
	for j := 0; j < len(s); j++ {
		if m.bytes[s[j]] < 0 {
			return false
		}
	}
	return true
}

// merge gives the ids of one word in O(n log n): symbols form a linked list and
// a heap holds the pairs that may merge; a pair that changed since is skipped.
func (m *bpe) merge(word string) []int32 {
	ids := m.letters(word)
	n := len(ids)
	prev, next := make([]int32, n), make([]int32, n)
	for i := range ids {
		prev[i], next[i] = int32(i-1), int32(i+1)
	}
	h := make(pairHeap, 0, n)
	push := func(i int32) {
		if i < 0 || next[i] >= int32(n) {
			return
		}
		if mg, ok := m.merges[[2]int32{ids[i], ids[next[i]]}]; ok {
			h.push(pair{rank: mg.rank, at: i, id: mg.id})
		}
	}
	for i := range ids {
		push(int32(i))
	}
	for len(h) > 0 {
		p := h.pop()
		r := next[p.at]
		if ids[p.at] < 0 || r >= int32(n) {
			continue
		}
		if mg, ok := m.merges[[2]int32{ids[p.at], ids[r]}]; !ok || mg.id != p.id {
			continue
		}
		ids[p.at], ids[r] = p.id, -1
		next[p.at] = next[r]
		if next[r] < int32(n) {
			prev[next[r]] = p.at
		}
		push(prev[p.at])
		push(p.at)
	}
	out := ids[:0]
	for _, id := range ids {
		if id >= 0 {
			out = append(out, id)
		}
	}
	return out
}

// pair is a candidate merge of the symbol at position at with the next one.
type pair struct{ rank, at, id int32 }

func (p pair) less(q pair) bool {
	return p.rank < q.rank || p.rank == q.rank && p.at < q.at
}

// pairHeap is a binary min-heap; container/heap would box every pair.
type pairHeap []pair

func (h *pairHeap) push(p pair) {
	s := append(*h, p)
	i := len(s) - 1
	for i > 0 && s[i].less(s[(i-1)/2]) {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
		i = (i - 1) / 2
	}
	*h = s
}

func (h *pairHeap) pop() pair {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && s[c+1].less(s[c]) {
			c++
		}
		if !s[c].less(s[i]) {
			break
		}
		s[i], s[c] = s[c], s[i]
		i = c
	}
	*h = s
	return top
}
