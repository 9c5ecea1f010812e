package data

import (
	"encoding/json"
	"fmt"
	"strings"
)

// parseModel builds the "model" of a tokenizer.json: BPE or WordPiece. Files of
// before 2020 carry no type; merges then tell BPE.
func parseModel(raw json.RawMessage) (tokenModel, error) {
	if len(raw) == 0 {
		return nil, fmt.Errorf("absent")
	}
	head := struct {
		Type   string          `json:"type"`
		Merges json.RawMessage `json:"merges"`
	}{}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	if head.Type == "" {
		head.Type = "WordPiece"
		if head.Merges != nil {
			head.Type = "BPE"
		}
	}
	switch head.Type {
	case "BPE":
		return parseBPE(raw)
	case "WordPiece":
		return parseWordPiece(raw)
	}
	return nil, fmt.Errorf("type %q is not supported (BPE and WordPiece are)", head.Type)
}

// parseBPE reads a BPE model. Merges are "a b" strings or ["a","b"] pairs.
func parseBPE(raw json.RawMessage) (tokenModel, error) {
	var p struct {
		Vocab        map[string]int32  `json:"vocab"`
		Merges       []json.RawMessage `json:"merges"`
		Dropout      *float64          `json:"dropout"`
		Unk          *string           `json:"unk_token"`
		Prefix       *string           `json:"continuing_subword_prefix"`
		Suffix       *string           `json:"end_of_word_suffix"`
		FuseUnk      bool              `json:"fuse_unk"`
		ByteFallback bool              `json:"byte_fallback"`
		IgnoreMerges bool              `json:"ignore_merges"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	if p.Dropout != nil && *p.Dropout != 0 {
		return nil, fmt.Errorf("dropout %g is not supported: ids would be random", *p.Dropout)
	}
	m := newBPE(p.Vocab)
	m.fuseUnk, m.ignoreMerges = p.FuseUnk, p.IgnoreMerges
	if p.Prefix != nil {
		m.prefix = *p.Prefix
	}
	if p.Suffix != nil {
		m.suffix = *p.Suffix
	}
	if p.Unk != nil {
		id, ok := p.Vocab[*p.Unk]
		if !ok {
			return nil, fmt.Errorf("unk_token %q is not in the vocabulary", *p.Unk)
		}
		m.unk = id
	}
	if p.ByteFallback {
		m.bytes = byteTokens(p.Vocab)
	}
	for i, r := range p.Merges {
		a, b, err := parseMerge(r)
		if err != nil {
			return nil, fmt.Errorf("merges[%d]: %w", i, err)
		}
		if err := m.addMerge(a, b, int32(i)); err != nil {
			return nil, fmt.Errorf("merges[%d]: %w", i, err)
		}
	}
	return m, nil
}

func parseMerge(raw json.RawMessage) (a, b string, err error) {
	if len(raw) > 0 && raw[0] == '[' {
		var p []string
		if err := json.Unmarshal(raw, &p); err != nil {
			return "", "", err
		}
		if len(p) != 2 {
			return "", "", fmt.Errorf("%d parts instead of 2", len(p))
		}
		return p[0], p[1], nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", "", err
	}
	a, b, ok := strings.Cut(s, " ")
	if !ok || strings.Contains(b, " ") {
		return "", "", fmt.Errorf("%q is not two tokens", s)
	}
	return a, b, nil
}

// parseWordPiece reads BERT's model.
func parseWordPiece(raw json.RawMessage) (tokenModel, error) {
	p := struct {
		Vocab    map[string]int32 `json:"vocab"`
		Unk      string           `json:"unk_token"`
		Prefix   string           `json:"continuing_subword_prefix"`
		MaxChars int              `json:"max_input_chars_per_word"`
	}{Unk: "[UNK]", Prefix: "##", MaxChars: 100}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	unk, ok := p.Vocab[p.Unk]
	if !ok {
		return nil, fmt.Errorf("unk_token %q is not in the vocabulary", p.Unk)
	}
	m := &wordPiece{tokens: p.Vocab, unk: unk, prefix: p.Prefix, maxChars: p.MaxChars}
	for tok := range p.Vocab {
		m.longest = max(m.longest, len(tok))
	}
	return m, nil
}
