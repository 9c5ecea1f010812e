package data

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Doc is one document of language-model text. Of Text, the first Prompt bytes
// are a prompt that is read but not trained on.
type Doc struct {
	Text   string
	Prompt int
	Line   int
}

// TextOptions says how LoadText reads.
type TextOptions struct {
	Column     string // key of the text in JSON; "text" if empty
	BlankLines bool   // in .txt, blank lines part documents; else the file is one
	TrainAll   bool   // train on prompts too
	Lines      bool   // in .txt, each line that is not blank is a document, unless BlankLines
}

// LoadText reads documents from .jsonl and .json with objects {"text"} or
// {"prompt","completion"}; a file of any other ending, source code say, is text
// as it stands, unless its bytes or its ending tell that it is none. A file
// without any text gives ErrNoData. Bytes that are not UTF-8 become U+FFFD and
// are counted.
func LoadText(path string, o TextOptions) ([]Doc, Report, error) {
	raw, bad, err := readText(path)
	if err != nil {
		return nil, Report{}, err
	}
	var docs []Doc
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".jsonl", ".json", ".ndjson":
		if docs, err = docsFromJSON(path, raw, o); err != nil {
			return nil, Report{}, err
		}
	case ".tsv", ".csv":
		return nil, Report{}, fmt.Errorf(`%s: language-model text comes from .txt, .jsonl or .json, not %s: write its rows as {"text"} or {"prompt", "completion"}, an object a line`, path, ext)
	default:
		docs = docsFromText(string(raw), o)
	}
	if !slices.ContainsFunc(docs, func(d Doc) bool { return d.Text != "" }) {
		return nil, Report{}, fmt.Errorf("%s: %w", path, ErrNoData)
	}
	return docs, Report{Rows: len(docs), InvalidUTF8: bad}, nil
}

func docsFromText(text string, o TextOptions) []Doc {
	if !o.BlankLines && !o.Lines {
		return []Doc{{Text: text, Line: 1}}
	}
	var docs []Doc
	line, start := 0, 0
	var doc strings.Builder
	flush := func() {
		if t := strings.TrimRight(doc.String(), "\r\n"); t != "" {
			docs = append(docs, Doc{Text: t, Line: start})
		}
		doc.Reset()
	}
	for s := range strings.Lines(text) {
		line++
		if strings.TrimSpace(s) == "" {
			flush()
			continue
		}
		if doc.Len() == 0 {
			start = line
		}
		if doc.WriteString(s); !o.BlankLines {
			flush()
		}
	}
	flush()
	return docs
}

func docsFromJSON(path string, raw []byte, o TextOptions) ([]Doc, error) {
	key := o.Column
	if key == "" {
		key = "text"
	}
	var docs []Doc
	err := eachJSON(path, raw, func(r jsonRow) error {
		_, hasText := r.fields[key]
		_, hasPrompt := r.fields["prompt"]
		if !hasText && hasPrompt && o.Column == "" {
			prompt, err := stringField(path, r, "prompt")
			if err != nil {
				return err
			}
			if _, ok := r.fields["completion"]; !ok {
				return lineError(path, r.line, `no "completion" %s`, textAdvice(r))
			}
			completion, err := stringField(path, r, "completion")
			if err != nil {
				return err
			}
			d := Doc{Text: prompt + completion, Prompt: len(prompt), Line: r.line}
			if o.TrainAll {
				d.Prompt = 0
			}
			docs = append(docs, d)
			return nil
		}
		if !hasText {
			return lineError(path, r.line, "no %q %s", key, textAdvice(r))
		}
		text, err := stringField(path, r, key)
		docs = append(docs, Doc{Text: text, Line: r.line})
		return err
	})
	return docs, err
}
