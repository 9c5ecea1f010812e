package nano

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// CorpusTokens is the size of the corpus that WriteCorpus writes, in the
// tokens of Corpus.
const CorpusTokens = 4_000_000

// LetterLines is the number of letters that WriteTask writes.
const LetterLines = 200

// WriteCorpus writes dir/corpus.txt, one document a line, from DefaultSeed and
// CorpusTokens. It makes dir where it is missing and returns the errors of the
// file system, which name the path.
func WriteCorpus(dir string) error {
	return writeFile(dir, "corpus.txt", func(w *bufio.Writer) {
		for text := range Corpus(DefaultSeed, CorpusTokens) {
			fmt.Fprintln(w, text)
		}
	})
}

// WriteTask writes the task's dir/train.tsv and dir/test.tsv, with the header
// "text<TAB>label", and dir/letters.txt, from DefaultSeed. It makes dir where
// it is missing and returns the errors of the file system, which name the path.
func WriteTask(dir string) error {
	train, test := Task(DefaultSeed)
	if err := writeRows(dir, "train.tsv", train); err != nil {
		return err
	}
	if err := writeRows(dir, "test.tsv", test); err != nil {
		return err
	}
	return writeFile(dir, "letters.txt", func(w *bufio.Writer) {
		fmt.Fprintln(w, strings.Join(Letters(DefaultSeed, LetterLines), "\n"))
	})
}

func writeRows(dir, name string, rows []Row) error {
	return writeFile(dir, name, func(w *bufio.Writer) {
		fmt.Fprintln(w, "text\tlabel")
		for _, r := range rows {
			fmt.Fprintf(w, "%s\t%s\n", r.Text, r.Label)
		}
	})
}

// writeFile writes beside the target and renames, so that a full disk leaves
// no half file under the name. A bufio.Writer keeps its first error for Flush.
func writeFile(dir, name string, content func(*bufio.Writer)) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	f, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriter(f)
	content(w)
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
