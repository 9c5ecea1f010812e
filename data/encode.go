package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
)

// Sequence is one encoded row.
//
// Labels, of the length of IDs, are there for language models and for words with
// tags. Those of language models are shifted already: Labels[t] is the id that
// position t shall predict, which is IDs[t+1], and Ignore at the last position
// and before prompt tokens. A tag stands at the first id of its word. Class and
// Target serve classification and regression.
type Sequence struct {
	IDs, TypeIDs, Labels []int32
	Class                int32
	Target               float32
	Line                 int
	Lost                 int         // ids that were cut away
	Words                []int32     // of words with tags: where the first id of each is, -1 for none; else nil
	Candidates           *Candidates // of prompted classification; else nil
}

// Len is the number of ids, with the longest option where options stand behind them.
func (s *Sequence) Len() int {
	if c := s.Candidates; c != nil && !c.masked() {
		return len(s.IDs) + c.longest()
	}
	return len(s.IDs)
}

// EncodeExamples gives one sequence an example with special tokens, cut to
// maxLength ids (special ones included; a pair is cut where it is longer, as
// Hugging Face's longest_first does). classes and targets may be nil or must
// have an entry an example; a row without class has Class Ignore.
func EncodeExamples(tok Tokenizer, examples []Example, classes []int32, targets []float32, maxLength int) ([]Sequence, Report, error) {
	if classes != nil && len(classes) != len(examples) || targets != nil && len(targets) != len(examples) {
		return nil, Report{}, fmt.Errorf("encode: %d examples, %d classes, %d targets", len(examples), len(classes), len(targets))
	}
	out := make([]Sequence, 0, len(examples))
	var rep Report
	for i, e := range examples {
		a, b := tok.Encode(e.Text, false), []int32(nil)
		if e.HasPair {
			b = tok.Encode(e.Text2, false)
		}
		special, _ := tok.Assemble(nil, nil, e.HasPair)
		room := maxLength - len(special)
		if room < 1 {
			return nil, rep, fmt.Errorf("encode: max-length %d leaves no room beside %d special tokens", maxLength, len(special))
		}
		lost := rep.count(len(a)+len(b)+len(special), maxLength)
		a, b = cutPair(a, b, room)
		s := Sequence{Class: Ignore, Line: e.Line, Lost: lost}
		s.IDs, s.TypeIDs = tok.Assemble(a, b, e.HasPair)
		if len(s.IDs) == 0 { // an empty text and no special tokens: the model still needs a position
			s.IDs, s.TypeIDs = []int32{fillerID(tok)}, []int32{0}
		}
		if classes != nil {
			s.Class = classes[i]
		}
		if targets != nil {
			s.Target = targets[i]
		}
		rep.Tokens += len(s.IDs)
		out = append(out, s)
	}
	return out, rep, tokenizerErr(tok)
}

// count notes one sequence of n ids before cutting, and gives how many of them cutting takes.
func (r *Report) count(n, maxLength int) (lost int) {
	r.Rows++
	r.Longest = max(r.Longest, n)
	if n > maxLength {
		r.Truncated++
		r.Lost += n - maxLength
	}
	return max(0, n-maxLength)
}

// cutPair shortens a and b to room ids together: the longer one down to the
// other's length, and both to halves if that is not enough.
func cutPair(a, b []int32, room int) ([]int32, []int32) {
	n1, n2 := len(a), len(b)
	if n1+n2 <= room {
		return a, b
	}
	swap := n1 > n2
	if swap {
		n1, n2 = n2, n1
	}
	n2 = max(n1, room-n1)
	if n1+n2 > room {
		n1 = room / 2
		n2 = room - n1
	}
	if swap {
		n1, n2 = n2, n1
	}
	return a[:min(n1, len(a))], b[:min(n2, len(b))]
}

// PadID gives the id that fills the rows of a batch; masks hide it.
func PadID(tok Tokenizer) int32 {
	s := tok.Special()
	for _, id := range []int32{s.Pad, s.EOS, s.UNK} {
		if id >= 0 {
			return id
		}
	}
	return 0
}

// fillerID stands for a text of no tokens.
func fillerID(tok Tokenizer) int32 {
	s := tok.Special()
	for _, id := range []int32{s.BOS, s.EOS, s.Pad} {
		if id >= 0 {
			return id
		}
	}
	return 0
}

// tokenizerErr gives the error that Encode could not return.
func tokenizerErr(tok Tokenizer) error {
	if e, ok := tok.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// Fingerprint is the SHA-256 of all sequences, in hex. A checkpoint keeps it so
// that a run resumes only on the same data.
func Fingerprint(seqs []Sequence) string {
	h := sha256.New()
	hashInts(h, int32(len(seqs)))
	for _, s := range seqs {
		for _, v := range [][]int32{s.IDs, s.TypeIDs, s.Labels} {
			hashInts(h, int32(len(v)))
			hashInts(h, v...)
		}
		hashInts(h, s.Class, int32(math.Float32bits(s.Target)))
		if c := s.Candidates; c != nil {
			hashInts(h, int32(c.Mask), int32(len(c.Options)))
			for _, o := range c.Options {
				hashInts(h, int32(len(o)))
				hashInts(h, o...)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func hashInts(h hash.Hash, v ...int32) {
	buf := make([]byte, 0, 4*len(v))
	for _, x := range v {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(x))
	}
	h.Write(buf)
}
