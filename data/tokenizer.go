package data

import (
	"fmt"
	"os"
	"path/filepath"
)

// Tokenizer maps text to token ids and back. Ids equal those of Hugging Face's
// tokenizers for the same tokenizer.json; its truncation and padding sections
// are not applied, because length is the caller's choice here. An
// implementation may be used from several goroutines.
//
// Input that is not valid UTF-8 is read with each bad byte as U+FFFD.
type Tokenizer interface {
	// Encode gives the ids of text; special adds what the post-processor adds
	// ([CLS] and [SEP], a BOS, ...). Special tokens written out inside text are
	// recognised either way.
	Encode(text string, special bool) []int32
	// EncodePair gives ids and token type ids of a text pair with special tokens.
	EncodePair(a, b string) (ids, typeIDs []int32)
	// Assemble adds the special tokens to ids that Encode(text, false) gave and
	// that the caller may have cut. Without a pair, b is ignored.
	Assemble(a, b []int32, pair bool) (ids, typeIDs []int32)
	// Decode gives the text of ids. Ids without a token are left out.
	Decode(ids []int32, skipSpecial bool) string
	// VocabSize is the largest id plus one: the rows an embedding must have.
	VocabSize() int
	// Special gives the ids of the tokens with a role.
	Special() SpecialIDs
}

// SpecialIDs holds the ids of the tokens with a role; -1 where there is none.
type SpecialIDs struct {
	Pad, BOS, EOS, UNK, CLS, SEP, Mask int32
}

// maxTokenizerFile bounds the tokenizer files read into memory, in bytes.
const maxTokenizerFile = 256 << 20

// LoadTokenizer reads the tokenizer of a model directory: tokenizer.json, with
// the roles that tokenizer_config.json and special_tokens_map.json give where
// they are there; or else tokenizer.model (or the one other *.model file), a
// SentencePiece BPE model. dir may also name a tokenizer.json or .model itself.
func LoadTokenizer(dir string) (Tokenizer, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if !info.IsDir() {
		if filepath.Ext(dir) == ".model" {
			return loadSentencePiece(dir)
		}
		return loadTokenizerJSON(dir)
	}
	path := filepath.Join(dir, "tokenizer.json")
	if _, err := os.Stat(path); err == nil {
		return loadTokenizerJSON(path)
	}
	models, _ := filepath.Glob(filepath.Join(dir, "*.model"))
	if own := filepath.Join(dir, "tokenizer.model"); len(models) > 1 {
		for _, m := range models {
			if m == own {
				return loadSentencePiece(own)
			}
		}
	}
	if len(models) == 1 {
		return loadSentencePiece(models[0])
	}
	return nil, fmt.Errorf("%s: no tokenizer.json and no single .model file; save the model with its fast tokenizer (save_pretrained)", dir)
}

// readCapped reads a file that may not be larger than limit bytes.
func readCapped(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes, more than the %d a tokenizer file may have", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}
