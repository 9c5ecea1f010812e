package data

import "fmt"

// Add says whether a token is added to each document.
type Add int

// AddAuto adds a BOS where the tokenizer's own special tokens start with it, and
// an EOS where they end with it, where there are several documents (so that the
// model learns where one ends) or where the document has a prompt.
const (
	AddAuto Add = iota
	AddAlways
	AddNever
)

// LMOptions says how EncodeText cuts documents into sequences.
type LMOptions struct {
	MaxLength int  // ids a sequence has at most
	Pack      bool // join the documents and cut blocks of MaxLength; else one sequence a document
	BOS, EOS  Add
}

// EncodeText gives sequences for causal language models, with shifted labels
// (see Sequence). Packed, the last block may be shorter and nothing is lost;
// the token after a block's end is predicted by no position, as in
// transformers. Otherwise a document is cut at MaxLength and counted. Pieces
// with nothing to train on are left out; if none is left the error is ErrNoData.
func EncodeText(tok Tokenizer, docs []Doc, o LMOptions) ([]Sequence, Report, error) {
	if o.MaxLength < 2 {
		return nil, Report{}, fmt.Errorf("encode: max-length %d: a language model needs at least 2", o.MaxLength)
	}
	ends, err := docEnds(tok, o, len(docs))
	if err != nil {
		return nil, Report{}, err
	}
	var out []Sequence
	var rep Report
	var stream lmStream
	for _, d := range docs {
		one := encodeDoc(tok, d, ends)
		if o.Pack {
			stream.ids = append(stream.ids, one.ids...)
			stream.train = append(stream.train, one.train...)
			continue
		}
		rep.Longest = max(rep.Longest, len(one.ids))
		if len(one.ids) > o.MaxLength {
			rep.Truncated++
		}
		lost := max(0, len(one.ids)-o.MaxLength)
		rep.Lost += lost
		if s, ok := one.sequence(0, len(one.ids)-lost, d.Line); ok {
			s.Lost = lost
			out = append(out, s)
		}
	}
	for at := 0; at < len(stream.ids); at += o.MaxLength {
		if s, ok := stream.sequence(at, min(at+o.MaxLength, len(stream.ids)), 0); ok {
			out = append(out, s)
			rep.Longest = max(rep.Longest, len(s.IDs))
		}
	}
	for _, s := range out {
		rep.Rows++
		rep.Tokens += len(s.IDs)
	}
	if err := tokenizerErr(tok); err != nil {
		return nil, rep, err
	}
	if len(out) == 0 {
		return nil, rep, fmt.Errorf("encode: no document has two tokens of which one is trained on: %w", ErrNoData)
	}
	return out, rep, nil
}

// lmStream is a run of ids and which of them are trained on.
type lmStream struct {
	ids   []int32
	train []bool
}

// sequence cuts out [from, to); ok is false where no label would be left.
func (s lmStream) sequence(from, to, line int) (q Sequence, ok bool) {
	n := to - from
	q = Sequence{IDs: s.ids[from:to:to], TypeIDs: make([]int32, n), Labels: make([]int32, n), Class: Ignore, Line: line}
	for t := range q.Labels {
		q.Labels[t] = Ignore
		if t+1 < n && s.train[from+t+1] {
			q.Labels[t] = q.IDs[t+1]
			ok = true
		}
	}
	return q, ok
}

// ends holds the ids around a document: -1 for none.
type ends struct {
	bos, eos, promptEOS int32
}

func docEnds(tok Tokenizer, o LMOptions, docs int) (e ends, err error) {
	sp := tok.Special()
	own, _ := tok.Assemble(nil, nil, false)
	ownBOS := len(own) > 0 && own[0] == sp.BOS
	ownEOS := len(own) > 0 && own[len(own)-1] == sp.EOS && (len(own) > 1 || !ownBOS)
	e = ends{-1, -1, -1}
	if o.BOS == AddAlways || o.BOS == AddAuto && ownBOS {
		e.bos = sp.BOS
	}
	if o.EOS == AddAlways || o.EOS == AddAuto && (ownEOS || docs > 1) {
		e.eos = sp.EOS
	}
	if o.EOS != AddNever {
		e.promptEOS = sp.EOS
	}
	if o.BOS == AddAlways && sp.BOS < 0 || o.EOS == AddAlways && sp.EOS < 0 {
		return e, fmt.Errorf("encode: the tokenizer names no bos_token or eos_token to add")
	}
	return e, nil
}

// encodeDoc gives the ids of a document. A prompt is encoded by itself to find
// how many ids of the whole belong to it; a token that spans the border holds
// some of the completion, so it is trained on.
func encodeDoc(tok Tokenizer, d Doc, e ends) lmStream {
	var s lmStream
	add := func(id int32, train bool) {
		if id >= 0 {
			s.ids = append(s.ids, id)
			s.train = append(s.train, train)
		}
	}
	body := tok.Encode(d.Text, false)
	masked := 0
	if d.Prompt > 0 {
		prompt := tok.Encode(d.Text[:d.Prompt], false)
		for masked < len(prompt) && masked < len(body) && prompt[masked] == body[masked] {
			masked++
		}
	}
	add(e.bos, true)
	for i, id := range body {
		add(id, i >= masked)
	}
	if d.Prompt > 0 {
		add(e.promptEOS, true)
	} else {
		add(e.eos, true)
	}
	return s
}
