package data

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// tokenizerJSON is the part of tokenizer.json that decides ids and text.
type tokenizerJSON struct {
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

func loadTokenizerJSON(path string) (Tokenizer, error) {
	raw, err := readCapped(path, maxTokenizerFile)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := parseTokenizer(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := t.readRoles(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return t, nil
}

// parseTokenizer builds a tokenizer from the bytes of a tokenizer.json. A part
// that this package does not implement is an error, never a silent difference.
func parseTokenizer(raw []byte) (*tokenizer, error) {
	var f tokenizerJSON
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, jsonError(raw, err)
	}
	t := &tokenizer{byID: map[int32]string{}, added: map[string]int32{}, special: map[int32]bool{}, roles: noRoles}
	var err error
	if t.normalize, err = parseNormalizer(f.Normalizer, &t.fault, 0); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if t.preTokenize, err = parsePreTokenizer(f.PreTokenizer, &t.fault, 0); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	t.byteLevel = isByteLevel(f.PreTokenizer, 0)
	if t.model, err = parseModel(f.Model); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if t.post, err = parsePost(f.PostProcessor, 0); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	if t.decode, err = parseDecoder(f.Decoder, &t.fault, 0); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	if err := t.addVocabulary(f.AddedTokens); err != nil {
		return nil, err
	}
	if err := t.checkTemplate(); err != nil {
		return nil, err
	}
	return t, nil
}

// component is the envelope of every part of a tokenizer.json.
type component struct {
	Type          string            `json:"type"`
	Normalizers   []json.RawMessage `json:"normalizers"`
	PreTokenizers []json.RawMessage `json:"pretokenizers"`
	Processors    []json.RawMessage `json:"processors"`
	Decoders      []json.RawMessage `json:"decoders"`
}

// maxNesting bounds Sequence inside Sequence; real files have one level.
const maxNesting = 16

// parseComponent reads the envelope; ok is false where the part is absent.
func parseComponent(raw json.RawMessage, depth int) (c component, ok bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return c, false, nil
	}
	if depth > maxNesting {
		return c, false, fmt.Errorf("more than %d levels of Sequence", maxNesting)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, false, err
	}
	return c, true, nil
}

func unsupported(typ string) error {
	return fmt.Errorf("type %q is not supported", typ)
}

// pattern is {"String": s} or {"Regex": s}.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// jsonError adds the line to a JSON error of encoding/json.
func jsonError(raw []byte, err error) error {
	var off int64 = -1
	switch e := err.(type) {
	case *json.SyntaxError:
		off = e.Offset
	case *json.UnmarshalTypeError:
		off = e.Offset
	}
	if off < 0 || off > int64(len(raw)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+strings.Count(string(raw[:off]), "\n"), err)
}
