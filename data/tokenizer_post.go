package data

import (
	"encoding/json"
	"fmt"
)

// template says where special tokens go: one list for a single text and one for
// a pair. The zero template adds nothing and gives the second text type 1.
type template struct {
	single, pair []slot
}

// slot is a special token's ids or, where seq is set, the text A or B.
type slot struct {
	ids  []int32
	seq  byte // 'A', 'B' or 0
	kind int32
}

// parsePost builds the "post_processor". ByteLevel changes offsets only.
func parsePost(raw json.RawMessage, depth int) (template, error) {
	c, ok, err := parseComponent(raw, depth)
	if !ok {
		return template{}, err
	}
	switch c.Type {
	case "ByteLevel":
		return template{}, nil
	case "TemplateProcessing":
		return parseTemplate(raw)
	case "BertProcessing", "RobertaProcessing":
		return parseBertPost(raw, c.Type == "RobertaProcessing")
	case "Sequence":
		var found template
		for i, r := range c.Processors {
			t, err := parsePost(r, depth+1)
			if err != nil {
				return t, fmt.Errorf("processors[%d]: %w", i, err)
			}
			if t.single == nil && t.pair == nil {
				continue
			}
			if found.single != nil || found.pair != nil {
				return t, fmt.Errorf("two processors of the sequence add tokens; one is supported")
			}
			found = t
		}
		return found, nil
	}
	return template{}, unsupported(c.Type)
}

// maxSlots bounds a template, each entry of which may be the whole text.
const maxSlots = 64

func parseTemplate(raw json.RawMessage) (t template, err error) {
	type slotJSON struct {
		Special *struct {
			ID   string `json:"id"`
			Type int32  `json:"type_id"`
		} `json:"SpecialToken"`
		Sequence *struct {
			ID   string `json:"id"`
			Type int32  `json:"type_id"`
		} `json:"Sequence"`
	}
	var p struct {
		Single   []slotJSON `json:"single"`
		Pair     []slotJSON `json:"pair"`
		Specials map[string]struct {
			IDs []int32 `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return t, err
	}
	build := func(in []slotJSON) ([]slot, error) {
		if len(in) > maxSlots {
			return nil, fmt.Errorf("a template of %d entries: %d at most", len(in), maxSlots)
		}
		out := make([]slot, 0, len(in))
		for _, s := range in {
			switch {
			case s.Special != nil:
				tok, ok := p.Specials[s.Special.ID]
				if !ok {
					return nil, fmt.Errorf("token %q is not among special_tokens", s.Special.ID)
				}
				out = append(out, slot{ids: tok.IDs, kind: s.Special.Type})
			case s.Sequence != nil && (s.Sequence.ID == "A" || s.Sequence.ID == "B"):
				out = append(out, slot{seq: s.Sequence.ID[0], kind: s.Sequence.Type})
			default:
				return nil, fmt.Errorf("a template entry is neither SpecialToken nor Sequence A or B")
			}
		}
		return out, nil
	}
	if t.single, err = build(p.Single); err != nil {
		return t, err
	}
	t.pair, err = build(p.Pair)
	return t, err
}

// parseBertPost is [CLS] A [SEP] B [SEP]; RoBERTa doubles the middle [SEP] and
// knows one type only.
func parseBertPost(raw json.RawMessage, roberta bool) (template, error) {
	var p struct {
		SEP []json.RawMessage `json:"sep"`
		CLS []json.RawMessage `json:"cls"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return template{}, err
	}
	id := func(v []json.RawMessage) (s slot, err error) {
		if len(v) != 2 {
			return s, fmt.Errorf("sep and cls must be [token, id]")
		}
		s.ids = make([]int32, 1)
		return s, json.Unmarshal(v[1], &s.ids[0])
	}
	sep, err := id(p.SEP)
	if err != nil {
		return template{}, err
	}
	cls, err := id(p.CLS)
	if err != nil {
		return template{}, err
	}
	single := []slot{cls, {seq: 'A'}, sep}
	if roberta {
		return template{single: single, pair: []slot{cls, {seq: 'A'}, sep, sep, {seq: 'B'}, sep}}, nil
	}
	return template{single: single, pair: []slot{cls, {seq: 'A'}, sep, {seq: 'B', kind: 1}, {ids: sep.ids, kind: 1}}}, nil
}

// Assemble implements Tokenizer.
func (t *tokenizer) Assemble(a, b []int32, pair bool) (ids, typeIDs []int32) {
	slots := t.post.single
	if pair {
		slots = t.post.pair
	}
	if slots == nil {
		slots = []slot{{seq: 'A'}}
		if pair {
			slots = []slot{{seq: 'A'}, {seq: 'B', kind: 1}}
		}
	}
	for _, s := range slots {
		part := s.ids
		switch s.seq {
		case 'A':
			part = a
		case 'B':
			part = b
		}
		ids = append(ids, part...)
		for range part {
			typeIDs = append(typeIDs, s.kind)
		}
	}
	return ids, typeIDs
}

// checkTemplate refuses special tokens that no embedding row could serve.
func (t *tokenizer) checkTemplate() error {
	for _, slots := range [][]slot{t.post.single, t.post.pair} {
		for _, s := range slots {
			for _, id := range s.ids {
				if _, ok := t.byID[id]; !ok {
					return fmt.Errorf("post_processor: id %d is not in the vocabulary", id)
				}
			}
		}
	}
	return nil
}
