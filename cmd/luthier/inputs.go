package main

import (
	"github.com/spf13/pflag"
)

// inputs are the model and data that a command works on.
type inputs struct {
	model       string
	adapter     string // of eval, predict, generate, merge
	initAdapter string // of train
	task        string
	data        string
	evalData    string

	textColumn, text2Column, labelColumn string

	template, verbalizer string
	prompt               *prompting // once the task is settled; nil without

	labels        int // classes, where no data tells
	maxLength     int
	batchSize     int
	evalBatchSize int
	seed          uint64
	seeds         seeds // of train; else all are seed
	hiding        hiding
	noShuffle     bool
	groupByLength bool
	dropLast      bool
	pack          bool
	blankLines    bool
	trainPrompts  bool
	unlabeled     bool
}

func (in *inputs) modelFlags() *pflag.FlagSet {
	return set(func(f *pflag.FlagSet) {
		f.StringVar(&in.model, "model", "", "model directory in Hugging Face's layout: config.json, model.safetensors, tokenizer.json")
		f.StringVar(&in.task, "task", "", "clm (language model), mlm (masked language model), classify, regress, token-classify (default: what model and data say)")
		f.IntVar(&in.maxLength, "max-length", 0, "tokens of a sequence; longer ones are cut (default: 512 for language models, else 256)")
		f.IntVar(&in.batchSize, "batch-size", 8, "sequences of a batch")
		f.Uint64Var(&in.seed, "seed", 42, "seed of fresh parameters, shuffling and dropout")
	})
}

// adapterFlag is for commands that read one.
func (in *inputs) adapterFlag(f *pflag.FlagSet) {
	f.StringVar(&in.adapter, "adapter", "", "adapter directory; without --model its base_model_name_or_path is the model")
}

func (in *inputs) columnFlags(f *pflag.FlagSet) {
	f.StringVar(&in.textColumn, "text-column", "", "column or key of the text, or a column's number from 1")
	f.StringVar(&in.text2Column, "text2-column", "", "the same of a pair's second text")
	f.StringVar(&in.labelColumn, "label-column", "", "the same of the label")
	in.promptFlags(f)
	f.BoolVar(&in.blankLines, "blank-lines", false, "in .txt, blank lines part documents")
}

func (in *inputs) trainDataFlags() *pflag.FlagSet {
	return set(func(f *pflag.FlagSet) {
		f.StringVar(&in.data, "data", "", "training data: .tsv, .csv, .jsonl, .json, .txt, or a directory with train.* and valid.*")
		f.StringVar(&in.evalData, "eval-data", "", "evaluation data (default: valid.* of a --data directory)")
		f.IntVar(&in.evalBatchSize, "eval-batch-size", 0, "sequences of an evaluation batch (default: --batch-size)")
		f.IntVar(&in.labels, "labels", 0, "number of classes, for plan without --data")
		in.columnFlags(f)
		in.hiding.flags(f)
		f.BoolVar(&in.pack, "pack", true, "language models: join the documents of .txt and {\"text\"} data and cut blocks of --max-length")
		f.BoolVar(&in.trainPrompts, "train-on-prompts", false, "train on the prompts of {\"prompt\", \"completion\"} data too")
		f.BoolVar(&in.noShuffle, "no-shuffle", false, "keep the order of the file")
		f.BoolVar(&in.groupByLength, "group-by-length", false, "batches of similar length: less padding, a less random order")
		f.BoolVar(&in.dropLast, "drop-last", false, "leave out an incomplete last batch")
	})
}

// check refuses numbers that cannot be.
func (in *inputs) check() error {
	switch {
	case in.batchSize < 1 || in.batchSize > 1<<16:
		return usage("--batch-size %d: want 1 to 65536", in.batchSize)
	case in.evalBatchSize < 0 || in.evalBatchSize > 1<<16:
		return usage("--eval-batch-size %d: want 1 to 65536", in.evalBatchSize)
	case in.maxLength < 0 || (in.maxLength > 0 && in.maxLength < 4):
		return usage("--max-length %d: want at least 4 tokens", in.maxLength)
	case in.labels < 0 || in.labels > 1<<16:
		return usage("--labels %d: want 2 to 65536 classes", in.labels)
	}
	return nil
}
