package data

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

var noRoles = SpecialIDs{Pad: -1, BOS: -1, EOS: -1, UNK: -1, CLS: -1, SEP: -1, Mask: -1}

// roleNames are the keys of the roles in Hugging Face's files.
var roleNames = [...]string{"pad_token", "bos_token", "eos_token", "unk_token", "cls_token", "sep_token", "mask_token"}

// usualNames are the spellings to look for where no file names the roles.
var usualNames = [...][]string{
	{"[PAD]", "<pad>", "<|pad|>"}, {"<s>", "<|begin_of_text|>", "<|endoftext|>"}, {"</s>", "<|end_of_text|>", "<|endoftext|>"},
	{"[UNK]", "<unk>"}, {"[CLS]"}, {"[SEP]"}, {"[MASK]", "<mask>"},
}

func (s *SpecialIDs) fields() [7]*int32 {
	return [...]*int32{&s.Pad, &s.BOS, &s.EOS, &s.UNK, &s.CLS, &s.SEP, &s.Mask}
}

// readRoles finds which token is padding, end of text and so on: first from
// tokenizer_config.json, then special_tokens_map.json, and by the usual
// spellings where neither file is there.
func (t *tokenizer) readRoles(dir string) error {
	named := false
	for _, name := range []string{"tokenizer_config.json", "special_tokens_map.json"} {
		path := filepath.Join(dir, name)
		var keys map[string]json.RawMessage
		if err := readJSONFile(path, &keys); err != nil {
			return err
		}
		if keys == nil {
			continue
		}
		named = true
		for i, f := range t.roles.fields() {
			if *f < 0 {
				*f = t.id(tokenContent(keys[roleNames[i]]))
			}
		}
		if name == "tokenizer_config.json" {
			t.readBOSFlags(keys)
		}
	}
	if !named {
		t.guessRoles()
	}
	return nil
}

func (t *tokenizer) guessRoles() {
	for i, f := range t.roles.fields() {
		for _, tok := range usualNames[i] {
			if *f < 0 {
				*f = t.id(tok)
			}
		}
	}
}

// readBOSFlags applies add_bos_token and add_eos_token, which for the Llama and
// Gemma classes stand above the post-processor of the file.
func (t *tokenizer) readBOSFlags(keys map[string]json.RawMessage) {
	var class string
	_ = json.Unmarshal(keys["tokenizer_class"], &class)
	flag := func(key string, absent bool) bool {
		v := absent
		if json.Unmarshal(keys[key], &v) != nil {
			return absent
		}
		return v
	}
	known := strings.HasPrefix(class, "Llama") || strings.HasPrefix(class, "CodeLlama") || strings.HasPrefix(class, "Gemma")
	if !known || keys["add_bos_token"] == nil && keys["add_eos_token"] == nil {
		return
	}
	bos := flag("add_bos_token", true) && t.roles.BOS >= 0
	eos := flag("add_eos_token", false) && t.roles.EOS >= 0
	wrap := func(seq byte, kind int32) (out []slot) {
		if bos {
			out = append(out, slot{ids: []int32{t.roles.BOS}, kind: kind})
		}
		out = append(out, slot{seq: seq, kind: kind})
		if eos {
			out = append(out, slot{ids: []int32{t.roles.EOS}, kind: kind})
		}
		return out
	}
	t.post = template{single: wrap('A', 0), pair: append(wrap('A', 0), wrap('B', 1)...)}
}

// tokenContent reads a token given as a string or as {"content": ...}.
func tokenContent(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var o struct {
		Content string `json:"content"`
	}
	_ = json.Unmarshal(raw, &o)
	return o.Content
}

// readAddedTokens gives the tokens that stand beside a .model file, by id:
// added_tokens_decoder of tokenizer_config.json, or else added_tokens.json.
func readAddedTokens(dir string) (out []addedToken, err error) {
	var config struct {
		Decoder map[int32]addedToken `json:"added_tokens_decoder"`
	}
	if err := readJSONFile(filepath.Join(dir, "tokenizer_config.json"), &config); err != nil {
		return nil, err
	}
	no := false // they are looked for in the text as it is written
	for id, a := range config.Decoder {
		a.ID, a.Normalized = id, &no
		out = append(out, a)
	}
	if len(out) == 0 {
		var ids map[string]int32
		if err := readJSONFile(filepath.Join(dir, "added_tokens.json"), &ids); err != nil {
			return nil, err
		}
		for text, id := range ids {
			out = append(out, addedToken{ID: id, Content: text, Normalized: &no})
		}
	}
	slices.SortFunc(out, func(a, b addedToken) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Content, b.Content)) })
	return out, nil
}

// readJSONFile decodes a file into v, where there is one.
func readJSONFile(path string, v any) error {
	raw, err := readCapped(path, maxTokenizerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", path, jsonError(raw, err))
	}
	return nil
}
