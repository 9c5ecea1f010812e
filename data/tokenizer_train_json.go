package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
)

// TokenRoles names the special tokens of a trained tokenizer; empty for none.
type TokenRoles struct {
	BOS, EOS, Pad, UNK string
	MaxLength          int // model_max_length; left out if zero
}

// JSON gives a tokenizer.json that Hugging Face's tokenizers load: ByteLevel
// pre-tokenizer and decoder, BPE model, special tokens matched in raw text.
func (t *TrainedBPE) JSON() ([]byte, error) {
	type obj = map[string]any
	added := []obj{}
	for i, s := range t.Special {
		added = append(added, obj{"id": i, "content": s, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
	}
	byteLevel := obj{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	merges := t.Merges
	if merges == nil {
		merges = [][2]string{}
	}
	return marshal(struct {
		Version       string `json:"version"`
		Truncation    any    `json:"truncation"`
		Padding       any    `json:"padding"`
		AddedTokens   []obj  `json:"added_tokens"`
		Normalizer    any    `json:"normalizer"`
		PreTokenizer  obj    `json:"pre_tokenizer"`
		PostProcessor any    `json:"post_processor"`
		Decoder       obj    `json:"decoder"`
		Model         any    `json:"model"`
	}{"1.0", nil, nil, added, nil, byteLevel, nil, byteLevel, struct {
		Type         string       `json:"type"`
		Dropout      any          `json:"dropout"`
		Unk          any          `json:"unk_token"`
		Prefix       any          `json:"continuing_subword_prefix"`
		Suffix       any          `json:"end_of_word_suffix"`
		FuseUnk      bool         `json:"fuse_unk"`
		ByteFallback bool         `json:"byte_fallback"`
		IgnoreMerges bool         `json:"ignore_merges"`
		Vocab        orderedVocab `json:"vocab"`
		Merges       [][2]string  `json:"merges"`
	}{Type: "BPE", Vocab: t.Vocab, Merges: merges}})
}

// Save writes tokenizer.json and tokenizer_config.json into dir.
func (t *TrainedBPE) Save(dir string, roles TokenRoles) error {
	raw, err := t.JSON()
	if err != nil {
		return err
	}
	config := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false}
	for key, tok := range map[string]string{"bos_token": roles.BOS, "eos_token": roles.EOS, "pad_token": roles.Pad, "unk_token": roles.UNK} {
		if tok == "" {
			continue
		}
		if !slices.Contains(t.Special, tok) {
			return fmt.Errorf("save tokenizer: %s %q is not among its special tokens", key, tok)
		}
		config[key] = tok
	}
	if roles.MaxLength > 0 {
		config["model_max_length"] = roles.MaxLength
	}
	conf, err := marshal(config)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "tokenizer.json"), raw); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "tokenizer_config.json"), conf)
}

// orderedVocab is written as an object in order of ids, which a map would lose.
type orderedVocab []string

// MarshalJSON implements json.Marshaler.
func (v orderedVocab) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for id, tok := range v {
		key, err := json.Marshal(tok)
		if err != nil {
			return nil, err
		}
		if id > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%d", key, id)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(v)
	return b.Bytes(), err
}
