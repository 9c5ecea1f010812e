package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"luthier/data"
)

// tokenizing is what `luthier tokenize` is told.
type tokenizing struct {
	model, data string
	plain       bool
}

func (a *app) tokenizeCmd() *cobra.Command {
	t := &tokenizing{}
	c := &cobra.Command{
		Use:   "tokenize [TEXT...]",
		Short: "Show the token ids of each text: of arguments, a file, or lines of standard input",
		Long: "tokenize writes the ids of each text on a line of its own, special tokens included; with --json {\"ids\":[...]} a line.\n" +
			"A text is an argument, a line of a file or of standard input, or a JSON string, one a line, in a .jsonl file.",
		Example: "  luthier tokenize --model my-model \"what a fine evening\"",
		RunE:    func(_ *cobra.Command, args []string) error { return a.tokenize(t, args) },
	}
	f := c.Flags()
	f.StringVar(&t.model, "model", "", "model directory, or a tokenizer.json or SentencePiece .model file")
	f.StringVar(&t.data, "data", "", "file of texts: one a line; .jsonl has one JSON string a line")
	f.BoolVar(&t.plain, "no-special", false, "without what the tokenizer adds around a text ([CLS], <s>, ...)")
	return c
}

func (a *app) tokenize(t *tokenizing, args []string) error {
	if t.model == "" {
		return usage("--model: give a model directory, or a tokenizer.json or .model file")
	}
	if t.data != "" && len(args) > 0 {
		return usage("--data %s and %d texts: give one or the other", t.data, len(args))
	}
	tok, err := data.LoadTokenizer(t.model)
	if err != nil {
		return badData(err)
	}
	texts, err := a.textLines(t.data, args)
	if err != nil {
		return badData(err)
	}
	size, count, spent := 0, 0, time.Duration(0)
	for i, s := range texts {
		began := time.Now()
		ids := tok.Encode(s, !t.plain)
		spent += time.Since(began)
		if e, ok := tok.(interface{ Err() error }); ok && e.Err() != nil {
			return badData(fmt.Errorf("text %d: %w", i+1, e.Err()))
		}
		size += len(s)
		count += len(ids)
		a.showIDs(ids)
	}
	if t.data != "" {
		a.warn("%d texts, %d bytes, %d ids: %.1f MB/s", len(texts), size, count, float64(size)/1e6/max(spent.Seconds(), 1e-9))
	}
	return nil
}

func (a *app) showIDs(ids []int32) {
	if a.json {
		a.emit(map[string]any{"ids": append([]int32{}, ids...)})
		return
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(int(id))
	}
	a.say("%s", strings.Join(words, " "))
}

// textLines gives the texts of a file, of arguments, or of standard input.
func (a *app) textLines(path string, args []string) ([]string, error) {
	if path == "" {
		if len(args) > 0 {
			return args, nil
		}
		return readLines(a.in)
	}
	lines, err := fileLines(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !strings.HasSuffix(strings.ToLower(path), ".jsonl") {
		return lines, nil
	}
	for i, l := range lines {
		if err := json.Unmarshal([]byte(l), &lines[i]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w; a .jsonl file of texts has one JSON string a line", path, i+1, err)
		}
	}
	return lines, nil
}
