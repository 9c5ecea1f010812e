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

// LoadText reads documents from .txt (or a file without a known ending), or from
// .jsonl and .json with objects {"text"} or {"prompt","completion"}. A file
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
	case ".tsv", ".csv", ".parquet":
		return nil, Report{}, fmt.Errorf("%s: language-model text comes from .txt or .jsonl, not %s", path, ext)
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
			return lineError(path, r.line, `no %q: rows are {%q} or {"prompt", "completion"}%s`, key, key, conversation(r))
		}
		text, err := stringField(path, r, key)
		docs = append(docs, Doc{Text: text, Line: r.line})
		return err
	})
	return docs, err
}

// conversation says what to make of rows in the layouts of chats and instructions, which are not read.
func conversation(r jsonRow) string {
	for _, keys := range [][]string{{"messages"}, {"conversations"}, {"instruction", "output"}} {
		if _, ok := r.fields[keys[0]]; ok {
			return fmt.Sprintf("; write %s as a prompt and its completion", strings.Join(keys, " and "))
		}
	}
	return ""
}
