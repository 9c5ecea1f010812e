package data

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// Files that are no text are refused by every reader, by their bytes or by their endings, each with what helps.
func TestFilesThatAreNoText(t *testing.T) {
	row := `{"text":"a","label":"x"}` + "\n"
	readers := map[string]func(path string) error{
		"text":           func(p string) error { _, _, err := LoadText(p, TextOptions{}); return err },
		"classification": func(p string) error { _, _, err := LoadClassification(p, Columns{}); return err },
		"sentences":      func(p string) error { _, _, err := LoadSentences(p, Columns{}); return err },
	}
	for _, c := range []struct{ name, raw, want, remedy string }{
		{"a.jsonl.gz", gzipped(t, row), "gzip", "gunzip"},
		{"a.jsonl", gzipped(t, row), "gzip", "gunzip"},
		{"A.GZ", row, "gzip", "gunzip"},
		{"a.txt", "\x28\xb5\x2f\xfd$\x00", "zstd", "zstd -d"},
		{"a.arrow", row, "Arrow", `ds.to_json("train.jsonl")`},
		{"a", "ARROW1\x00\x00", "Arrow", "Dataset.from_file("},
		{"a", "\xff\xff\xff\xff\x10\x01", "Arrow", `ds.to_json("train.jsonl")`},
		{"a.parquet", row, "Parquet", "a.parquet\")`, then `ds.to_json(\"train.jsonl\")`"},
		{"a", "PAR1\x15\x04", "Parquet", "Dataset.from_parquet("},
		{"a.xlsx", "PK\x03\x04", "spreadsheet", ".csv"},
		{"a.txt", "PK\x03\x04\x14", "zip", "unpack"},
		{"a.zip", row, "zip", "unpack"},
		{"a.pdf", "x", "PDF", "pdftotext"},
		{"a.md", "%PDF-1.7\n", "PDF", "pdftotext"},
		{"a.safetensors", "x", "weights", ".jsonl"},
		{"a.bin", "x", "weights", ".jsonl"},
		{"a.pt", "x", "weights", ".jsonl"},
		{"a.npz", "x", "NumPy", ".jsonl"},
		{"a.dat", "text\x00", "NUL in byte 4", "UTF-8"},
		{"a.go", "\xfe\xff\x00a", "UTF-16", "save it as UTF-8"},
	} {
		path := write(t, c.name, c.raw)
		for reader, read := range readers {
			err := read(path)
			require.Error(t, err, "%s of %s", reader, c.name)
			assert.Contains(t, err.Error(), filepath.Base(path)+": ", reader)
			assert.Contains(t, err.Error(), c.want, reader)
			assert.Contains(t, err.Error(), c.remedy, reader)
		}
	}
}

// What is text stays text, whatever it is called, with the words that binaries begin with, control characters, and a NUL far down.
func TestFilesThatAreText(t *testing.T) {
	far := strings.Repeat("a", headBytes) + "\x00"
	for name, text := range map[string]string{
		"a.txt": "PAR1 is a receptor", "a.text": "PK signs", "a.md": "ARROW1 flies", "a.log": "\x1b[1mred\x07", "a.go": "package a\n", "a.py": "BZh",
		"a.d2": "GGUF", "Makefile": "all:\n", "b.txt": far, "c.txt": "caf\xe9\xff", "d.txt": "\uFEFF%PDF is a format",
	} {
		docs, _, err := LoadText(write(t, name, text), TextOptions{})
		require.NoError(t, err, name)
		assert.Len(t, docs, 1)
	}
}

// A name of Hugging Face's is pointed out where it may be one: not where the file would be a data file's, or stands in a path of more parts.
func TestHubDatasetNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, want := range map[string]bool{"stanfordnlp/imdb": true, "org/set-1.0_b": true, "data/train.tsv": false, "data/a.parquet": false, "a/b/c": false, "imdb": false, "../imdb": false} {
		_, split := FindSplits(name)
		_, _, text := LoadText(name, TextOptions{})
		for _, err := range []error{split, text} {
			require.ErrorContains(t, err, name)
			assert.Equal(t, want, strings.Contains(err.Error(), "`hf download --repo-type dataset "+name+" --local-dir DIR`"), err)
			assert.Equal(t, !want, os.IsNotExist(unwrapped(err)), "the remedy of a wrong path is added by its type: %v", err)
		}
	}
}

func unwrapped(err error) error {
	if e, ok := err.(interface{ Unwrap() error }); ok {
		return e.Unwrap()
	}
	return err
}

// A downloaded directory of tables says how they become rows.
func TestFindSplitsOfTables(t *testing.T) {
	for _, name := range []string{"train-00000-of-00001.parquet", "plain_text/train-0.parquet", "train/data-00000-of-00001.arrow"} {
		dir := t.TempDir()
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		_, err := FindSplits(dir)
		require.ErrorContains(t, err, path+": ")
		require.ErrorContains(t, err, "to_json")
	}
}
