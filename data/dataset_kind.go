package data

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// foreign is a kind of file that holds no text as it is.
type foreign struct {
	what    string
	endings []string
	magic   []string // what such a file begins with
	remedy  string   // may say FILE
}

// foreignKinds are told by their first bytes, whatever the file is called, and by their endings, whatever is in it: a file is read as text
// only where neither speaks against it. The endings are those of tables, archives and weights that people have beside their data.
var foreignKinds = []foreign{
	{"is compressed by gzip", []string{".gz", ".tgz"}, []string{"\x1f\x8b"}, "unpack it with gunzip"},
	{"is compressed by zstd", []string{".zst", ".zstd"}, []string{"\x28\xb5\x2f\xfd"}, "unpack it with zstd -d"},
	{"is compressed by bzip2", []string{".bz2"}, []string{"BZh91AY&SY"}, "unpack it with bunzip2"},
	{"is compressed by xz", []string{".xz"}, []string{"\xfd7zXZ\x00"}, "unpack it with unxz"},
	{"is an Arrow table", []string{".arrow", ".feather"}, []string{"ARROW1\x00\x00", "\xff\xff\xff\xff"},
		"in Python `ds = datasets.Dataset.from_file(\"FILE\")`, then `ds.to_json(\"train.jsonl\")` writes it as .jsonl"},
	{"is a Parquet table", []string{".parquet"}, []string{"PAR1\x15"}, // behind the magic stands a Thrift structure, whose first field is an i32
		"in Python `ds = datasets.Dataset.from_parquet(\"FILE\")`, then `ds.to_json(\"train.jsonl\")` writes it as .jsonl"},
	{"is a spreadsheet", []string{".xlsx", ".xls", ".ods"}, nil, "save it as .csv, or as .jsonl"},
	{"is a text processor's document", []string{".docx", ".doc", ".odt"}, nil, "save it as plain text in .txt"},
	{"is a PDF", []string{".pdf"}, []string{"%PDF-"}, "write its text as .txt (pdftotext does)"},
	{"is an array of NumPy", []string{".npy", ".npz"}, []string{"\x93NUMPY"}, notRows},
	{"holds weights", []string{".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf"}, nil, notRows},
	{"is a zip archive", []string{".zip"}, []string{"PK\x03\x04"}, "unpack it and name the file in it"},
}

const notRows = "give a file of text or rows: .txt, .jsonl, .json, .tsv or .csv"

func (k foreign) refuse(path string) error {
	return fmt.Errorf("%s: %s, which is not read as data: %s", path, k.what, strings.ReplaceAll(k.remedy, "FILE", filepath.ToSlash(path)))
}

// refuseEnding looks at a file's name alone: a table of gigabytes is refused before it is read.
func refuseEnding(path string) error {
	ext := strings.ToLower(filepath.Ext(path))
	for _, k := range foreignKinds {
		if slices.Contains(k.endings, ext) {
			return k.refuse(path)
		}
	}
	return nil
}

// headBytes are looked at for a NUL, which no text has; a stray one in the middle of a long file is let be.
const headBytes = 8 << 10

// refuseBinary looks at what a file holds.
func refuseBinary(path string, raw []byte) error {
	if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return fmt.Errorf("%s: is UTF-16; save it as UTF-8", path)
	}
	for _, k := range foreignKinds {
		for _, m := range k.magic {
			if bytes.HasPrefix(raw, []byte(m)) {
				return k.refuse(path)
			}
		}
	}
	if at := bytes.IndexByte(raw[:min(len(raw), headBytes)], 0); at >= 0 {
		return fmt.Errorf("%s: holds a NUL in byte %d, so it is no text in UTF-8: if it is text, save it as UTF-8; else give a file of text or rows", path, at)
	}
	return nil
}

// hubDataset is what may be a dataset's name on Hugging Face.
var hubDataset = regexp.MustCompile(`^[\w-][\w.-]*/[\w.-]+$`)

// absent words the error of a file that cannot be looked at; one that bears a dataset's name, and no name of a data file, may be meant as that.
func absent(path string, err error) error {
	ext := strings.ToLower(filepath.Ext(path))
	if errors.Is(err, fs.ErrNotExist) && hubDataset.MatchString(path) && !slices.Contains(dataEndings, ext) && refuseEnding(path) == nil {
		return fmt.Errorf("%s: no such file or directory (if it is a dataset's name on Hugging Face: luthier downloads nothing, `hf download --repo-type dataset %s --local-dir DIR` does)",
			path, path)
	}
	return fmt.Errorf("data: %w", err)
}
