package data

import (
	"container/heap"
	"fmt"
	"io"
	"slices"
	"strings"
)

// TrainedBPE is a byte-level BPE vocabulary learnt from text. The position in
// Vocab is the id: special tokens, the 256 bytes, then one token a merge.
type TrainedBPE struct {
	Vocab   []string
	Merges  [][2]string
	Special []string
}

// TrainBPE learns a byte-level BPE of at most vocabSize tokens, special ones
// included, from corpus: the most frequent pair of neighbours inside words is
// merged first and, among equals, the one of the lower ids. It stops early where
// no pair occurs twice. Special tokens in the corpus are set apart and take no
// part. The same input gives the same bytes.
func TrainBPE(corpus io.Reader, vocabSize int, special []string) (*TrainedBPE, error) {
	if low := len(special) + 256; vocabSize < low {
		return nil, fmt.Errorf("train tokenizer: vocabulary of %d: bytes and special tokens take %d", vocabSize, low)
	}
	text, err := io.ReadAll(corpus)
	if err != nil {
		return nil, fmt.Errorf("train tokenizer: %w", err)
	}
	t := &TrainedBPE{Special: special}
	t.Vocab = append(t.Vocab, special...)
	alphabet := slices.Clone(byteRune[:])
	slices.Sort(alphabet)
	ids := map[rune]int32{}
	for _, r := range alphabet {
		if slices.Contains(special, string(r)) {
			return nil, fmt.Errorf("train tokenizer: special token %q is the token of a byte", string(r))
		}
		ids[r] = int32(len(t.Vocab))
		t.Vocab = append(t.Vocab, string(r))
	}
	byText := map[string]int32{}
	for i, tok := range t.Vocab {
		byText[tok] = int32(i)
	}
	tr := newTrainer(countWords(lossyUTF8(text), special), ids)
	for len(t.Vocab) < vocabSize {
		p, ok := tr.best()
		if !ok {
			break
		}
		a, b := t.Vocab[p[0]], t.Vocab[p[1]]
		id, known := byText[a+b] // there may be two ways to one token
		if !known {
			id = int32(len(t.Vocab))
			byText[a+b] = id
			t.Vocab = append(t.Vocab, a+b)
		}
		t.Merges = append(t.Merges, [2]string{a, b})
		tr.apply(p, id)
	}
	return t, nil
}

// countWords counts the pre-tokens of a text outside special tokens.
func countWords(text string, special []string) map[string]int {
	var added []addedToken
	for _, s := range special {
		if s != "" {
			added = append(added, addedToken{Content: s})
		}
	}
	words := map[string]int{}
	for _, p := range newAddedSet(added).split(piece{text: text, id: -1}) {
		for _, w := range gpt2Split(p.text) {
			words[w]++
		}
	}
	return words
}

// trainer holds the corpus as counted words, and for each pair of neighbours
// how often it occurs and in which words.
type trainer struct {
	words []trainWord
	count map[[2]int32]int
	where map[[2]int32]map[int]bool
	queue pairQueue
}

type trainWord struct {
	ids []int32
	n   int
}

func newTrainer(words map[string]int, ids map[rune]int32) *trainer {
	tr := &trainer{count: map[[2]int32]int{}, where: map[[2]int32]map[int]bool{}}
	for w, n := range words {
		one := trainWord{n: n}
		for _, r := range bytesToRunes(w) {
			one.ids = append(one.ids, ids[r])
		}
		tr.words = append(tr.words, one)
	}
	for i := range tr.words {
		tr.note(i, +1)
	}
	for p, n := range tr.count {
		tr.queue = append(tr.queue, counted{p, n})
	}
	heap.Init(&tr.queue)
	return tr
}

// note adds (sign +1) or takes away (-1) the pairs of word i.
func (tr *trainer) note(i, sign int) {
	w := tr.words[i]
	for k := 0; k+1 < len(w.ids); k++ {
		p := [2]int32{w.ids[k], w.ids[k+1]}
		tr.count[p] += sign * w.n
		if sign < 0 {
			continue // a word without the pair does no harm in where
		}
		if tr.where[p] == nil {
			tr.where[p] = map[int]bool{}
		}
		tr.where[p][i] = true
	}
}

// best gives the pair to merge next; a queue entry whose count has fallen since
// goes back with the new one.
func (tr *trainer) best() (p [2]int32, ok bool) {
	for tr.queue.Len() > 0 {
		top := heap.Pop(&tr.queue).(counted)
		switch now := tr.count[top.pair]; {
		case now != top.n && now > 0:
			heap.Push(&tr.queue, counted{top.pair, now})
		case now == top.n && now > 1:
			return top.pair, true
		}
	}
	return p, false
}

// apply merges pair p into id in every word that has it.
func (tr *trainer) apply(p [2]int32, id int32) {
	fresh := map[[2]int32]bool{}
	for i := range tr.where[p] {
		tr.note(i, -1)
		w := &tr.words[i]
		out := w.ids[:0]
		for k := 0; k < len(w.ids); k++ {
			if k+1 < len(w.ids) && w.ids[k] == p[0] && w.ids[k+1] == p[1] {
				out = append(out, id)
				k++
			} else {
				out = append(out, w.ids[k])
			}
		}
		w.ids = out
		tr.note(i, +1)
		for k := 0; k+1 < len(out); k++ {
			if out[k] == id || out[k+1] == id {
				fresh[[2]int32{out[k], out[k+1]}] = true
			}
		}
	}
	delete(tr.where, p)
	delete(tr.count, p)
	for q := range fresh {
		heap.Push(&tr.queue, counted{q, tr.count[q]})
	}
}

// counted is a pair with the count it had when it was queued.
type counted struct {
	pair [2]int32
	n    int
}

// pairQueue is ordered by count, highest first, then by ids, so that neither
// the order of insertion nor that of a map shows in the result.
type pairQueue []counted

func (q pairQueue) Len() int      { return len(q) }
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q pairQueue) Less(i, j int) bool {
	if q[i].n != q[j].n {
		return q[i].n > q[j].n
	}
	return slices.Compare(q[i].pair[:], q[j].pair[:]) < 0
}
func (q *pairQueue) Push(x any) { *q = append(*q, x.(counted)) }
func (q *pairQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// String names the size of the vocabulary.
func (t *TrainedBPE) String() string {
	return fmt.Sprintf("byte-level BPE of %d tokens (special: %s)", len(t.Vocab), strings.Join(t.Special, " "))
}
