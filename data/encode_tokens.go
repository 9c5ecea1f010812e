package data

import (
	"encoding/json"
	"fmt"
	"slices"
)

// EncodeSentences gives one sequence a sentence, with special tokens, cut to
// maxLength ids. Each word is tokenized by itself, as Hugging Face does with
// is_split_into_words; behind a blank where the tokenizer is a byte-level one,
// as with add_prefix_space. The first id of a word carries its tag; its other
// ids and special tokens are Ignore. tags has a list a sentence, empty for none;
// it may be nil.
//
// A word without ids (of control characters, say) or cut away has no place:
// Words says -1 and its tag is in no label, as in transformers' run_ner.
func EncodeSentences(tok Tokenizer, sentences []Sentence, tags [][]int32, maxLength int) ([]Sequence, Report, error) {
	var rep Report
	around, _ := tok.Assemble(nil, nil, false)
	room := maxLength - len(around)
	if room < 1 {
		return nil, rep, fmt.Errorf("encode: max-length %d leaves no room beside %d special tokens", maxLength, len(around))
	}
	marked, _ := tok.Assemble([]int32{-1}, nil, false)
	before := slices.Index(marked, -1) // special tokens in front of the text
	if before < 0 {
		return nil, rep, fmt.Errorf("encode: the tokenizer's post_processor has no place for a text")
	}
	out := make([]Sequence, 0, len(sentences))
	for i, x := range sentences {
		s := Sequence{Class: Ignore, Line: x.Line, Words: make([]int32, len(x.Words))}
		var ids []int32
		for w, text := range x.Words {
			s.Words[w] = -1
			piece := encodeWord(tok, text)
			if len(piece) > 0 && len(ids) < room {
				s.Words[w] = int32(before + len(ids))
			}
			ids = append(ids, piece...)
		}
		s.Lost = rep.count(len(ids)+len(around), maxLength)
		s.IDs, s.TypeIDs = tok.Assemble(ids[:min(room, len(ids))], nil, false)
		if len(s.IDs) == 0 {
			s.IDs, s.TypeIDs = []int32{fillerID(tok)}, []int32{0}
		}
		s.Labels = filled(len(s.IDs), Ignore)
		if tags != nil && len(tags[i]) > 0 {
			for w, at := range s.Words {
				if at >= 0 {
					s.Labels[at] = tags[i][w]
				}
			}
		}
		rep.Tokens += len(s.IDs)
		out = append(out, s)
	}
	return out, rep, tokenizerErr(tok)
}

// encodeWord gives the ids of a word that stands in a text. Byte-level
// vocabularies have most words with the blank in front only.
func encodeWord(tok Tokenizer, word string) []int32 {
	if t, ok := tok.(*tokenizer); ok && t.byteLevel {
		return t.encodeFrom(word, " ")
	}
	return tok.Encode(word, false)
}

// isByteLevel tells whether a "pre_tokenizer" spells bytes, by itself or as a part.
func isByteLevel(raw json.RawMessage, depth int) bool {
	c, ok, err := parseComponent(raw, depth)
	if !ok || err != nil {
		return false
	}
	return c.Type == "ByteLevel" || slices.ContainsFunc(c.PreTokenizers, func(r json.RawMessage) bool { return isByteLevel(r, depth+1) })
}
