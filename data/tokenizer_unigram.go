package data

import (
	"math"
	"slices"
	"unicode/utf8"
)

// unigram cuts a text into the tokens whose scores, logarithms of
// probabilities, have the largest sum (Kudo 2018, 1804.10959; the search is
// Viterbi's). A character that no token covers is unknown, which costs 10 more
// than the worst token.
//
// Sums are float32, as SentencePiece's are, so that sequences of equal
// probability part the same way; in a stretch whose scores sum to some -250,000
// (about 40,000 characters) such ties may fall differently.
type unigram struct {
	tokens  map[string]int32
	pieces  byteTrie
	scores  []float32 // by id
	unk     int32
	unkCost float32
	bytes   *[256]int32 // byte fallback; nil for none
}

// newUnigram takes the pieces of a SentencePiece model. A user defined one
// scores, as there, its length in bytes times the best score, which starts from
// the smallest normal float32 and so is about 0 whatever the pieces say, less 0.1.
func newUnigram(m *spModel, tokens map[string]int32, unk int32) *unigram {
	u := &unigram{tokens: tokens, pieces: byteTrie{next: map[uint64]int32{}, token: []int32{-1}}, scores: make([]float32, len(m.pieces)), unk: unk}
	lowest, highest := float32(math.MaxFloat32), float32(0x1p-126)
	for _, p := range m.pieces {
		if p.kind == spNormal {
			lowest, highest = min(lowest, p.score), max(highest, p.score)
		}
	}
	u.unkCost = lowest - 10
	for id, p := range m.pieces {
		switch p.kind {
		case spNormal:
			u.scores[id] = p.score
		case spUserDefined:
			u.scores[id] = float32(len(p.text))*highest - 0.1
		default:
			continue
		}
		u.pieces.add(p.text, int32(id))
	}
	if all := byteTokens(tokens); m.byteFallback && !slices.Contains(all[:], -1) {
		u.bytes = all
	}
	return u
}

func (u *unigram) vocab() map[string]int32 { return u.tokens }

// reached is the best way to a place in the text: its score, and its last token.
type reached struct {
	score    float32
	from, id int32 // from is -1 where no way leads here
}

// tokenize takes time proportional to the text and to the longest token.
func (u *unigram) tokenize(text string, out []int32) []int32 {
	best := make([]reached, len(text)+1)
	for i := range best {
		best[i].from = -1
	}
	best[0].from = 0
	try := func(from, to int, score float32, id int32) {
		if best[to].from < 0 || score > best[to].score {
			best[to] = reached{score, int32(from), id}
		}
	}
	for i, n := 0, 0; i < len(text); i += n {
		_, n = utf8.DecodeRuneInString(text[i:])
		here, alone := best[i].score, false
		node := int32(0)
		for j := i; j < len(text); j++ {
			if node = u.pieces.step(node, text[j]); node < 0 {
				break
			}
			if id := u.pieces.token[node]; id >= 0 {
				try(i, j+1, u.scores[id]+here, id)
				alone = alone || j+1-i == n
			}
		}
		if !alone {
			try(i, i+n, u.unkCost+here, u.unk)
		}
	}
	return u.collect(text, best, out)
}

// collect walks back from the end. Unknown characters side by side are one
// token, or the bytes of each.
func (u *unigram) collect(text string, best []reached, out []int32) []int32 {
	first := len(out)
	for at := len(text); at > 0; at = int(best[at].from) {
		b := best[at]
		switch {
		case b.id != u.unk:
			out = append(out, b.id)
		case u.bytes != nil:
			for i := at - 1; i >= int(b.from); i-- {
				out = append(out, u.bytes[text[i]])
			}
		case len(out) == first || out[len(out)-1] != u.unk:
			out = append(out, u.unk)
		}
	}
	slices.Reverse(out[first:])
	return out
}

// byteTrie maps strings to tokens, a byte at a time from node 0.
type byteTrie struct {
	next  map[uint64]int32 // node<<8 | byte
	token []int32          // by node; -1 for none
}

func (t *byteTrie) add(s string, id int32) {
	node := int32(0)
	for i := 0; i < len(s); i++ {
		key := uint64(node)<<8 | uint64(s[i])
		to, ok := t.next[key]
		if !ok {
			to = int32(len(t.token))
			t.next[key] = to
			t.token = append(t.token, -1)
		}
		node = to
	}
	if node > 0 {
		t.token[node] = id
	}
}

func (t *byteTrie) step(node int32, b byte) int32 {
	if to, ok := t.next[uint64(node)<<8|uint64(b)]; ok {
		return to
	}
	return -1
}
