package main

import (
	"fmt"
	"strconv"
	"strings"

	"luthier/data"
	"luthier/model"
)

// dataset is a file as sequences.
type dataset struct {
	path     string
	seqs     []data.Sequence
	read     data.Report // rows of the file
	encoded  data.Report // sequences
	examples []data.Example
	masked   bool // text whose tokens the loader hides

	sentences []data.Sentence // of words with tags, instead of examples
}

// readSet reads and encodes a file for a task. labels are the class names; where they are nil, those of the file are returned.
func (in *inputs) readSet(path string, tok data.Tokenizer, task model.Task, length int, labels []string) (*dataset, []string, error) {
	d := &dataset{path: path}
	if task == model.CausalLM {
		return d, nil, badData(in.readText(d, tok, length))
	}
	if task == model.MaskedLM {
		return d, nil, in.readMasked(d, tok, length)
	}
	if task == model.TokenClassify {
		labels, err := in.readSentences(d, tok, length, labels)
		return d, labels, badData(err)
	}
	columns := data.Columns{Text: in.textColumn, Text2: in.text2Column, Label: in.labelColumn, Unlabeled: in.unlabeled}
	var err error
	if d.examples, d.read, err = data.LoadClassification(path, columns); err != nil {
		return nil, nil, badData(err)
	}
	if labels, err = in.encode(d, tok, task, length, labels); err != nil {
		return nil, nil, badData(err)
	}
	return d, labels, nil
}

// columnsFit refuses columns that a language model's text does not have: it would be trained on, and they would be left out without a word.
func (in *inputs) columnsFit(t model.Task) error {
	if t != model.CausalLM && t != model.MaskedLM {
		return nil
	}
	for _, c := range []struct{ flag, name, what string }{{"label-column", in.labelColumn, "no label"}, {"text2-column", in.text2Column, "no second text"}} {
		if c.name != "" {
			return usage("--%s %s: a run of task %s reads texts and %s: give --task classify, or leave --%s out", c.flag, c.name, t, c.what, c.flag)
		}
	}
	return nil
}

// encode turns examples into sequences with classes or targets.
func (in *inputs) encode(d *dataset, tok data.Tokenizer, task model.Task, length int, labels []string) ([]string, error) {
	var classes []int32
	var targets []float32
	var err error
	switch {
	case task == model.Score:
		return in.prompt.encode(d, tok, length, labels, in.unlabeled)
	case task == model.Regress && !in.unlabeled:
		targets, err = data.Targets(d.path, d.examples)
	case task == model.Classify && labels == nil:
		if labels, err = data.LabelSet(d.examples); err == nil {
			classes, err = data.ClassIDs(d.path, d.examples, labels)
		} else {
			err = fmt.Errorf("%s: %w", d.path, err)
		}
	case task == model.Classify && !in.unlabeled:
		numbered(d.examples, labels)
		classes, err = data.ClassIDs(d.path, d.examples, labels)
	}
	if err != nil {
		return nil, err
	}
	d.seqs, d.encoded, err = data.EncodeExamples(tok, d.examples, classes, targets, length)
	return labels, err
}

// numbered names classes that a file gives by number, where no class has a number for a name: the models of transformers count them so.
func numbered(examples []data.Example, labels []string) {
	for _, l := range labels {
		if _, err := strconv.Atoi(l); err == nil {
			return
		}
	}
	for i := range examples {
		if n, err := strconv.Atoi(examples[i].Label); err == nil && n >= 0 && n < len(labels) {
			examples[i].Label = labels[n]
		}
	}
}

func (in *inputs) readText(d *dataset, tok data.Tokenizer, length int) error {
	docs, read, err := data.LoadText(d.path, data.TextOptions{Column: in.textColumn, BlankLines: in.blankLines, TrainAll: in.trainPrompts})
	if err != nil {
		return err
	}
	d.read = read
	pack := in.pack
	for _, x := range docs {
		pack = pack && x.Prompt == 0 // answers stand each in a sequence of its own
	}
	d.seqs, d.encoded, err = data.EncodeText(tok, docs, data.LMOptions{MaxLength: length, Pack: pack})
	return err
}

// loader makes batches of a set.
func (in *inputs) loader(d *dataset, tok data.Tokenizer, batch int, train bool) (*data.Loader, error) {
	o := data.LoaderOptions{BatchSize: batch, PadID: data.PadID(tok), NoShuffle: true, GroupByLength: true, Window: 1 << 20}
	if train {
		o = data.LoaderOptions{BatchSize: batch, PadID: data.PadID(tok), Seed: in.seeds.data.or(in.seed), NoShuffle: in.noShuffle, GroupByLength: in.groupByLength,
			DropLast: in.dropLast}
	}
	if d.masked {
		var err error
		if o.Mask, err = in.masking(tok, train); err != nil {
			return nil, err
		}
	}
	o.Scores = in.prompt.scored()
	l, err := data.NewLoader(d.seqs, o)
	return l, badData(err)
}

// summary is a set in a line of the header.
func (d *dataset) summary() string {
	s := fmt.Sprintf("%s: %s", d.path, d.encoded)
	if d.read.InvalidUTF8 > 0 {
		s += fmt.Sprintf(", %d bad stretches of bytes replaced", d.read.InvalidUTF8)
	}
	return strings.TrimSpace(s)
}

// truncatedShare warns where much was cut.
func (d *dataset) truncatedShare() float64 {
	if d.encoded.Rows == 0 {
		return 0
	}
	return float64(d.encoded.Truncated) / float64(d.encoded.Rows)
}
