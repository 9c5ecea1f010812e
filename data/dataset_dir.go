package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Splits are the files of a data set; empty where there is none.
type Splits struct{ Train, Valid, Test string }

// splitNames are the file names, without ending, of each split.
var splitNames = [3][]string{{"train", "training"}, {"valid", "validation", "val", "dev", "eval"}, {"test"}}

var dataEndings = []string{".tsv", ".csv", ".jsonl", ".json", ".ndjson", ".txt", ".conll", ".iob", ".iob2", ".bio"}

// FindSplits names the files at path: path itself as Train if it is a file; of
// a directory train.*, valid.* (or validation, val, dev, eval) and test.* with
// one of the endings .tsv .csv .jsonl .json .txt .conll .iob .iob2 .bio. Two files for one split are
// an error, as is a directory with none.
func FindSplits(path string) (Splits, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Splits{}, absent(path, err)
	}
	if !info.IsDir() {
		return Splits{Train: path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return Splits{}, fmt.Errorf("data: %w", err)
	}
	var found [3]string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if e.IsDir() || !slices.Contains(dataEndings, strings.ToLower(ext)) {
			continue
		}
		stem := strings.ToLower(strings.TrimSuffix(e.Name(), ext))
		for i, names := range splitNames {
			if !slices.Contains(names, stem) {
				continue
			}
			if found[i] != "" {
				return Splits{}, fmt.Errorf("%s: both %s and %s are the %s split; name the file", path, filepath.Base(found[i]), e.Name(), names[0])
			}
			found[i] = filepath.Join(path, e.Name())
		}
	}
	if found == [3]string{} {
		if err := tablesIn(path); err != nil {
			return Splits{}, err
		}
		return Splits{}, fmt.Errorf("%s: no train, valid (or dev) or test file ending in %s", path, strings.Join(dataEndings, " "))
	}
	return Splits{Train: found[0], Valid: found[1], Test: found[2]}, nil
}

// tablesIn is the error of a directory as datasets' downloads and save_to_disk leave it, its files at most one directory down; nil for another.
func tablesIn(path string) error {
	for _, pattern := range []string{"*.parquet", "*/*.parquet", "*.arrow", "*/*.arrow"} {
		if names, _ := fs.Glob(os.DirFS(path), pattern); len(names) > 0 { // the pattern is well formed
			return refuseEnding(filepath.Join(path, filepath.FromSlash(names[0])))
		}
	}
	return nil
}
