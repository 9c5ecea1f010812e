package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"luthier/data"
	"luthier/model"
	"luthier/train"
)

type pflagSet = pflag.FlagSet

func (a *app) predictCmd() *cobra.Command {
	in := &inputs{unlabeled: true, noShuffle: true}
	var topK int
	c := &cobra.Command{
		Use:     "predict [TEXT...]",
		Short:   "Give the class of each text with its probability, or the words at its masks: of arguments, a file, or lines of standard input",
		Example: "  luthier predict --adapter my-adapter \"what a fine evening\"",
		RunE:    func(c *cobra.Command, args []string) error { return a.predict(c.Context(), in, topK, args) },
	}
	files := set(func(f *pflagSet) {
		in.adapterFlag(f)
		f.StringVar(&in.data, "data", "", "file of texts, with labels or without; .txt has one text a line")
		f.IntVar(&topK, "top-k", 5, "masked language models: words to give for each mask")
		in.columnFlags(f)
	})
	grouped(c, group{"Model", in.modelFlags()}, group{"Data", files})
	return c
}

func (a *app) predict(ctx context.Context, in *inputs, topK int, texts []string) error {
	j, err := a.openJob(in, in.data)
	if j != nil {
		defer j.close()
	}
	if err != nil {
		return err
	}
	if j.task == model.MaskedLM {
		return a.fill(ctx, in, j, topK, texts)
	}
	words := j.task == model.TokenClassify
	if j.task != model.Classify && j.task != model.Regress && j.task != model.Score && !words {
		return usage("predict gives classes, and this is a language model: use generate, --task classify with an --adapter, or --template with --verbalizer")
	}
	if j.labels = j.known(); j.labels == nil && j.prompt != nil {
		j.labels = j.prompt.verbalizer.Names()
	}
	if (j.task == model.Classify || words) && j.labels == nil {
		return badData(fmt.Errorf("%s: nothing says what its classes are; give --adapter", j.src.dir))
	}
	d, err := a.texts(in, j, texts)
	if err != nil {
		return err
	}
	l, err := j.evaluator(in, d)
	if err != nil {
		return err
	}
	if err := j.headsKnown(); err != nil {
		return err
	}
	ps, err := j.engine.Predict(ctx, l)
	if err != nil {
		return err
	}
	for i, p := range ps {
		if words {
			a.answerWords(j, d.sentences[i], p, i == 0)
			continue
		}
		a.answer(j, d.examples[i], p)
	}
	return nil
}

// answer prints one prediction: label, probability and text, or an object.
func (a *app) answer(j *job, e data.Example, p train.Prediction) {
	text := e.Text
	if e.HasPair {
		text += "\t" + e.Text2
	}
	switch {
	case a.json && j.task == model.Regress:
		a.emit(map[string]any{"line": p.Line, "text": text, "value": p.Value})
	case a.json:
		probabilities := map[string]float64{}
		for i, v := range p.Probabilities {
			probabilities[j.labels[i]] = v
		}
		a.emit(map[string]any{"line": p.Line, "text": text, "label": j.labels[p.Class], "probability": p.Probabilities[p.Class],
			"probabilities": probabilities})
	case j.task == model.Regress:
		a.say("%.4f\t%s", p.Value, text)
	default:
		a.say("%s\t%.4f\t%s", j.labels[p.Class], p.Probabilities[p.Class], text)
	}
}

// texts reads what is to be classified.
func (a *app) texts(in *inputs, j *job, args []string) (*dataset, error) {
	if in.data != "" && (j.task == model.TokenClassify || !strings.HasSuffix(strings.ToLower(in.data), ".txt")) {
		d, _, err := in.readSet(in.data, j.src.tok, j.task, j.length, j.labels)
		return d, err
	}
	d := &dataset{path: "arguments"}
	lines := args
	var err error
	switch {
	case in.data != "":
		d.path = in.data
		lines, err = fileLines(in.data)
	case len(args) == 0:
		d.path = "standard input"
		lines, err = readLines(a.in)
	}
	if err != nil {
		return nil, badData(fmt.Errorf("%s: %w", d.path, err))
	}
	for i, s := range lines {
		if strings.TrimSpace(s) == "" {
			continue
		}
		if j.task == model.TokenClassify {
			d.sentences = append(d.sentences, data.Sentence{Words: strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), Line: i + 1})
			continue
		}
		e := data.Example{Text: strings.ToValidUTF8(s, "\uFFFD"), Line: i + 1}
		if a, b, ok := strings.Cut(s, "\t"); ok {
			e.Text, e.Text2, e.HasPair = a, b, true
		}
		d.examples = append(d.examples, e)
	}
	if len(d.examples)+len(d.sentences) == 0 {
		return nil, badData(fmt.Errorf("%s: %w", d.path, data.ErrNoData))
	}
	if j.task == model.TokenClassify {
		return d, badData(in.encodeSentences(d, j.src.tok, nil, j.length))
	}
	_, err = in.encode(d, j.src.tok, j.task, j.length, j.labels)
	return d, badData(err)
}

// maxLine bounds a line of text: beyond it the input is no text.
const maxLine = 16 << 20

// readLines leaves out the mark of byte order that Windows' editors write.
func readLines(r io.Reader) ([]string, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	var out []string
	for s.Scan() {
		out = append(out, s.Text())
	}
	if len(out) > 0 {
		out[0] = strings.TrimPrefix(out[0], "\uFEFF")
	}
	return out, s.Err()
}
