package data

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Example is one row of classification or regression data.
type Example struct {
	Text, Text2 string // Text2 is the second text of a pair
	Label       string // as the file has it; empty where HasLabel is false
	HasPair     bool
	HasLabel    bool
	Line        int // where the row starts in its file, from 1
}

// Columns says where the texts and the label are: a name of the header or of
// the JSON object, or a number from 1 for .tsv and .csv. Empty fields are found
// out: see LoadClassification.
type Columns struct {
	Text, Text2, Label string
	Unlabeled          bool // a file without labels will do, as for prediction
}

// textNames and its like are tried in order where Columns leaves a field empty.
var (
	pairNames = [][2]string{
		{"sentence1", "sentence2"}, {"premise", "hypothesis"}, {"question1", "question2"}, {"question", "sentence"},
		{"question", "passage"}, {"text1", "text2"}, {"text_a", "text_b"}, {"text", "text2"}, {"text", "text_pair"}, {"sentence", "sentence2"},
	}
	textNames  = []string{"text", "sentence", "question", "content", "review", "utterance", "query", "title"}
	labelNames = []string{"label", "labels", "category", "class", "intent", "gold_label", "score", "target"}
)

// LabelKey is the key whose value LoadClassification takes for the label of a row where no column is named: empty where there is none. A
// prompt with its completion is text to write, whatever else the row says of it, unless it is labelled by that very name, as a judgment of
// the answer is.
func LabelKey(has func(key string) bool) string {
	if has("prompt") && has("completion") {
		return firstOf(labelNames[:2], has)
	}
	return firstOf(labelNames, has)
}

// LoadClassification reads texts and labels from .tsv, .csv, .jsonl or .json
// (an array of objects or one object a line).
//
// Columns are found by name: sentence1/sentence2, premise/hypothesis and their
// like are pairs, else text, sentence, ...; the label is label, category, ....
// A .tsv or .csv whose first row has none of these names has no header: with
// two columns the label is the one of fewer distinct values (the last, if equal);
// with three columns the texts are the first two. Anything else needs Columns.
//
// Tabs part the cells of a .tsv and quotes are plain characters there, as in
// GLUE; a .csv follows RFC 4180. Bytes that are not UTF-8 become U+FFFD and are
// counted; a byte order mark is skipped. Errors name file, line and column;
// a file without rows gives ErrNoData.
func LoadClassification(path string, o Columns) ([]Example, Report, error) {
	raw, bad, err := readText(path)
	if err != nil {
		return nil, Report{}, err
	}
	var ex []Example
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".tsv":
		ex, err = fromTable(path, splitTSV(raw), o)
	case ".csv":
		var t []tableRow
		if t, err = splitCSV(path, raw); err == nil {
			ex, err = fromTable(path, t, o)
		}
	case ".jsonl", ".json", ".ndjson":
		ex, err = classificationFromJSON(path, raw, o)
	default:
		err = fmt.Errorf("%s: data files end in .tsv, .csv, .jsonl or .json, not %q", path, ext)
	}
	if err != nil {
		return nil, Report{}, err
	}
	if len(ex) == 0 {
		return nil, Report{}, fmt.Errorf("%s: %w", path, ErrNoData)
	}
	return ex, Report{Rows: len(ex), InvalidUTF8: bad}, nil
}

// readText reads a file as UTF-8 without its byte order mark; bad counts the
// stretches of bytes that were replaced by U+FFFD. Files of other kinds are
// errors: see foreignKinds.
func readText(path string) (text []byte, bad int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, absent(path, err)
	}
	if info.IsDir() {
		return nil, 0, fmt.Errorf("%s: is a directory; name the file in it", path)
	}
	if err := refuseEnding(path); err != nil {
		return nil, 0, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, fmt.Errorf("data: %w", err)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if err := refuseBinary(path, raw); err != nil {
		return nil, 0, err
	}
	if utf8.Valid(raw) {
		return raw, 0, nil
	}
	fixed := lossyUTF8(raw)
	return []byte(fixed), strings.Count(fixed, "\uFFFD") - bytes.Count(raw, []byte("\uFFFD")), nil
}
