package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tokenizerFiles are the files that belong to a tokenizer in Hugging Face's layout.
var tokenizerFiles = []string{
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model",
	"chat_template.jinja", "chat_template.json",
}

// WriteTokenizerFiles copies the tokenizer files that srcDir has to dstDir, byte
// for byte, so that the result loads without the base model. Each is written
// beside its place and renamed.
func WriteTokenizerFiles(srcDir, dstDir string) error {
	for _, name := range tokenizerFiles {
		raw, err := readCapped(filepath.Join(srcDir, name), maxTokenizerFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("tokenizer: %w", err)
		}
		if err := writeFile(filepath.Join(dstDir, name), raw); err != nil {
			return err
		}
	}
	return nil
}

// generationFile says how a language model is sampled from, and which tokens end a text.
const generationFile = "generation_config.json"

// WriteGenerationConfig copies srcDir's generation_config.json, where it has one, to dstDir: what serves a model reads the tokens that end a
// text from it.
func WriteGenerationConfig(srcDir, dstDir string) error {
	raw, err := readCapped(filepath.Join(srcDir, generationFile), maxTokenizerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", generationFile, err)
	}
	return writeFile(filepath.Join(dstDir, generationFile), raw)
}

// writeFile replaces a file as a whole: written beside it, synced, renamed.
func writeFile(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // gone already after the rename
	_, err = f.Write(raw)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
