package data

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Sentence is a row of token classification data: a text that is cut into words
// already, with a tag a word.
type Sentence struct {
	Words []string
	Tags  []string // of the length of Words; nil where the file has none
	Lines []int    // line of each word in its file; nil where all are on Line
	Line  int      // where the sentence starts, from 1
}

func (s *Sentence) lineOf(word int) int {
	if s.Lines == nil {
		return s.Line
	}
	return s.Lines[word]
}

// LoadSentences reads words and their tags from .jsonl or .json, or from a file
// of columns in CoNLL's layout (any other ending, .conll, .tsv and .txt say):
// one word a line, blank lines between sentences, -DOCSTART- lines passed over.
//
// Columns are parted by tabs in a line that has one, else by blanks. The word is
// the first, the tag the last; Columns counts them from 1. In JSON the words are
// "tokens" or "words", the tags "ner_tags", "tags", "labels" and their like, as
// strings or as numbers.
func LoadSentences(path string, o Columns) ([]Sentence, Report, error) {
	raw, bad, err := readText(path)
	if err != nil {
		return nil, Report{}, err
	}
	var out []Sentence
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".jsonl", ".json", ".ndjson":
		out, err = sentencesFromJSON(path, raw, o)
	case ".csv":
		err = fmt.Errorf("%s: words with tags come from CoNLL columns (.conll, .tsv, .txt), .jsonl or .json, not %s", path, ext)
	default:
		out, err = sentencesFromColumns(path, string(raw), o)
	}
	if err != nil {
		return nil, Report{}, err
	}
	if len(out) == 0 {
		return nil, Report{}, fmt.Errorf("%s: %w", path, ErrNoData)
	}
	return out, Report{Rows: len(out), InvalidUTF8: bad}, nil
}

// docStart begins a document of CoNLL's files; it is no word.
const docStart = "-DOCSTART-"

// conllColumns are the places of word and tag, from 0; tag is -1 where there is none.
type conllColumns struct{ width, word, tag int }

func sentencesFromColumns(path, text string, o Columns) ([]Sentence, error) {
	var out []Sentence
	var s Sentence
	var cols *conllColumns // decided by the first line with a word
	flush := func() {
		if len(s.Words) > 0 {
			out = append(out, s)
		}
		s = Sentence{}
	}
	line := 0
	for row := range strings.Lines(text) {
		line++
		row = strings.TrimRight(row, " \t\r\n")
		if row == "" || row == docStart || strings.HasPrefix(row, docStart+" ") || strings.HasPrefix(row, docStart+"\t") {
			flush()
			continue
		}
		cells := conllCells(row)
		if cols == nil {
			c, err := planConll(len(cells), o)
			if err != nil {
				return nil, lineError(path, line, "%w", err)
			}
			cols = &c
		}
		if err := s.add(cells, cols, line); err != nil {
			return nil, lineError(path, line, "%w", err)
		}
	}
	flush()
	return out, nil
}

// conllCells cuts at tabs, or at runs of blanks; other white space may be a word.
func conllCells(row string) []string {
	if strings.Contains(row, "\t") {
		return strings.Split(row, "\t")
	}
	return strings.FieldsFunc(row, func(r rune) bool { return r == ' ' })
}

// columns counts the columns of a line.
func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}

func planConll(width int, o Columns) (c conllColumns, err error) {
	c = conllColumns{width: width, tag: width - 1}
	if o.Text != "" {
		if c.word, err = columnNumber(o.Text, width); err != nil {
			return c, err
		}
	}
	if o.Label != "" {
		if c.tag, err = columnNumber(o.Label, width); err != nil {
			return c, err
		}
	}
	if c.tag == c.word {
		if !o.Unlabeled || o.Label != "" {
			return c, fmt.Errorf("%s: want a word and its tag, parted by a tab or blanks", columns(width))
		}
		c.tag = -1
	}
	return c, nil
}

func (s *Sentence) add(cells []string, c *conllColumns, line int) error {
	if len(cells) != c.width {
		remedy := "a word with blanks in it needs columns parted by tabs"
		if len(cells) < c.width {
			remedy = "every word needs its tag"
		}
		return fmt.Errorf("%s where the first line has %d: %s", columns(len(cells)), c.width, remedy)
	}
	word := cells[c.word]
	if strings.TrimSpace(word) == "" {
		return fmt.Errorf("the word is empty")
	}
	if len(s.Words) == 0 {
		s.Line = line
	}
	s.Words, s.Lines = append(s.Words, word), append(s.Lines, line)
	if c.tag < 0 {
		return nil
	}
	tag := strings.TrimSpace(cells[c.tag])
	if tag == "" {
		return fmt.Errorf("the tag of %q is empty", word)
	}
	s.Tags = append(s.Tags, tag)
	return nil
}

// TagSet gives the distinct tags of sentences, in the order that LabelSet has:
// their positions are the class ids. Errors are LabelSet's.
func TagSet(sentences []Sentence) ([]string, error) {
	seen := map[string]bool{}
	var each []Example // of each tag one: a file has millions of tags, and few that differ
	for _, s := range sentences {
		for _, t := range s.Tags {
			if !seen[t] {
				seen[t] = true
				each = append(each, Example{Label: t, HasLabel: true})
			}
		}
	}
	return LabelSet(each)
}

// TagIDs gives the position in names of each tag of each sentence; nil for a
// sentence without tags. A tag that is not in names is an error that names path
// and line.
func TagIDs(path string, sentences []Sentence, names []string) ([][]int32, error) {
	out := make([][]int32, len(sentences))
	for i := range sentences {
		s := &sentences[i]
		for w, t := range s.Tags {
			id := slices.Index(names, t)
			if id < 0 {
				return nil, lineError(path, s.lineOf(w), "tag %q of %.40q is not one of the %d the model knows: %s", t, s.Words[w], len(names), abridge(names))
			}
			out[i] = append(out[i], int32(id))
		}
	}
	return out, nil
}
