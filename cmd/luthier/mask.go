package main

import (
	"github.com/spf13/pflag"

	"luthier/data"
	"luthier/peft"
)

// hiding says how masked-language-model text is hidden.
type hiding struct {
	Probability float64 `json:"mlm_probability"`
	WholeWord   bool    `json:"whole_word_mask"`
}

func (h *hiding) flags(f *pflag.FlagSet) {
	f.Float64Var(&h.Probability, "mlm-probability", 0.15, "masked language models: share of the tokens to hide; drawn anew each epoch, fixed in evaluation")
	f.BoolVar(&h.WholeWord, "whole-word-mask", false, "masked language models: hide whole words (WordPiece tokenizers)")
}

// as takes from the record of a run what no flag says.
func (h *hiding) as(run *hiding, given *pflag.FlagSet) {
	if run == nil {
		return
	}
	if !given.Changed("mlm-probability") {
		h.Probability = run.Probability
	}
	if !given.Changed("whole-word-mask") {
		h.WholeWord = run.WholeWord
	}
}

// masking hides the tokens of a set. Those of evaluation are the same ones each time, whatever the seed.
func (in *inputs) masking(tok data.Tokenizer, train bool) (*data.Masking, error) {
	m, err := data.NewMasking(tok, in.hiding.Probability, in.hiding.WholeWord, in.seeds.data.or(in.seed))
	if err != nil {
		return nil, usage("%v", err)
	}
	m.Fixed = !train
	return m, nil
}

// readMasked reads text whose tokens the loader hides: a line of .txt, or a row of JSON, is a document.
func (in *inputs) readMasked(d *dataset, tok data.Tokenizer, length int) error {
	if _, err := in.masking(tok, true); err != nil {
		return err // before a long file is read
	}
	docs, read, err := data.LoadText(d.path, data.TextOptions{Column: in.textColumn, BlankLines: in.blankLines, Lines: true})
	if err != nil {
		return badData(err)
	}
	d.read, d.masked = read, true
	d.seqs, d.encoded, err = data.EncodeMasked(tok, docs, length, in.pack)
	return badData(err)
}

// most is how many tokens of a sequence of t are hidden at most.
func (h *hiding) most(t int) int {
	m := data.Masking{Probability: h.Probability, WholeWord: h.WholeWord}
	return m.Most(t)
}

// keepHead is peft.KeepHead for the job's method.
func (j *job) keepHead() { peft.KeepHead(j.method, j.src.config, j.src.weights, j.task) }
