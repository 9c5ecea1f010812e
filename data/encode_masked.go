package data

import "fmt"

// EncodeMasked gives sequences for masked language models, as transformers'
// run_mlm makes them. Each document stands between the tokenizer's special
// tokens. Packed, the documents follow each other and are cut into blocks of
// maxLength; the last block may be shorter and nothing is lost. Otherwise a
// document is a sequence, cut at maxLength with its special tokens kept, and
// counted. Documents and blocks without a token that may be hidden are left
// out; if none is left the error is ErrNoData.
func EncodeMasked(tok Tokenizer, docs []Doc, maxLength int, pack bool) ([]Sequence, Report, error) {
	around, _ := tok.Assemble(nil, nil, false)
	room := maxLength - len(around)
	if room < 1 {
		return nil, Report{}, fmt.Errorf("encode: max-length %d leaves no room beside %d special tokens", maxLength, len(around))
	}
	special := specialIDs(tok)
	var out []Sequence
	var rep Report
	var stream []int32
	add := func(ids []int32, line, lost int) {
		for _, id := range ids {
			if !special[id] {
				out = append(out, Sequence{IDs: ids, TypeIDs: make([]int32, len(ids)), Class: Ignore, Line: line, Lost: lost})
				rep.Rows, rep.Tokens = rep.Rows+1, rep.Tokens+len(ids)
				return
			}
		}
	}
	for _, d := range docs {
		body := tok.Encode(d.Text, false)
		if len(body) == 0 {
			continue
		}
		lost := 0
		if !pack {
			rep.Longest = max(rep.Longest, len(body)+len(around))
			if lost = max(0, len(body)-room); lost > 0 {
				rep.Truncated++
				rep.Lost += lost
				body = body[:room]
			}
		}
		ids, _ := tok.Assemble(body, nil, false)
		if pack {
			stream = append(stream, ids...)
		} else {
			add(ids, d.Line, lost)
		}
	}
	for at := 0; at < len(stream); at += maxLength {
		end := min(at+maxLength, len(stream))
		add(stream[at:end:end], 0, 0)
		rep.Longest = max(rep.Longest, end-at)
	}
	if err := tokenizerErr(tok); err != nil {
		return nil, rep, err
	}
	if len(out) == 0 {
		return nil, rep, fmt.Errorf("encode: no document has a token that may be hidden: %w", ErrNoData)
	}
	return out, rep, nil
}
