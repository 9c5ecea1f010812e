package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// maskedRun and wordRun are runs of their task that would succeed.
const (
	maskedRun = "train --model masked --task mlm --data lines.txt --out out"
	wordRun   = "train --model bert --task token-classify --out out --data "
)

// taskFailures are those of masked language models, of words with tags, and of what is given in the place of something else.
var taskFailures = []failure{
	{"a model that has no such task", "train --model llama --task mlm --data lines.txt --out out", 2, []string{"--task mlm", "llama"}},
	{"a masked language model whose tokenizer has no mask", "train --model bert --task mlm --data lines.txt --out out", 2, []string{"names no mask_token"}},
	{"no share of tokens to hide", maskedRun + " --mlm-probability 0", 2, []string{"--mlm-probability 0", "a share above 0, to 1"}},
	{"whole words where tokens do not tell them", maskedRun + " --whole-word-mask", 2, []string{"--whole-word-mask", "leave it out"}},
	{"an unknown tracker", "+ --report-to wandb", 2, []string{"--report-to wandb", "none or tensorboard", "metrics.jsonl"}},
	{"an unknown recipe", "+ --recipe mosbash", 2, []string{"mosbash", "have mosbach"}},
	{"an unknown shorthand", "train -m bert", 2, []string{"'m' in -m", "luthier train --help"}},
	{"training into the model that is read", "train --model bert --data rows.tsv --out bert --overwrite", 2, []string{"--out bert", "choose another directory"}},
	{"merging into the model that is read", "merge --adapter adapter --out bert --overwrite", 2, []string{"--out bert", "choose another directory"}},
	{"merging into the adapter that is read", "merge --adapter adapter --out adapter", 2, []string{"--out adapter", "choose another directory"}},
	{"generating with a classifier", "generate --adapter classes --prompt x", 2, []string{"classes was trained for classify", "use predict"}},

	{"a text without a mask", "predict --model masked --task mlm --adapter filler good", 3, []string{"arguments:1", "nothing to fill"}},
	{"a vocabulary head that was never trained", "predict --model masked --task mlm good", 3, []string{"masked has no cls.predictions", "--adapter"}},
	{"a word without its tag", wordRun + "tagless.conll", 3, []string{"tagless.conll:2", "1 column where"}},
	{"more words than tags", wordRun + "uneven.jsonl", 3, []string{"uneven.jsonl:1", "1 tags", "2 words"}},
	{"words without tags", wordRun + "untagged.jsonl", 3, []string{"untagged.jsonl:1", "--label-column"}},
	{"words in one text", wordRun + "joined.jsonl", 3, []string{"joined.jsonl:1", "not an array of words"}},
	{"a name of Hugging Face for a model", "train --model org/name --data rows.tsv --out out", 3, []string{"org/name", "downloads nothing", "hf download"}},
	{"an adapter for a model", "predict --model adapter good", 3, []string{"adapter holds an adapter", "--adapter", "--model"}},
	{"a model for an adapter", "predict --adapter bert good", 3, []string{"bert holds a model", "--model"}},
}

// taskFiles fills the current directory with what they need.
func taskFiles(t *testing.T) {
	t.Helper()
	require.NoError(t, os.CopyFS("masked", os.DirFS("bert")))
	editJSON(t, filepath.Join("masked", "tokenizer_config.json"), map[string]any{"mask_token": "<eos>"})
	for name, text := range map[string]string{
		"lines.txt": "the good wood and the bad wood sing.\nthe wood sings.\n", "tagless.conll": "good O\nwood\n",
		"uneven.jsonl": `{"tokens": ["good", "wood"], "ner_tags": ["O"]}`, "untagged.jsonl": `{"tokens": ["good", "wood"]}`,
		"joined.jsonl": `{"tokens": "good wood", "ner_tags": "O O"}`,
	} {
		require.NoError(t, os.WriteFile(name, []byte(text+"\n"), 0o644))
	}
	for _, line := range []string{"train --model llama --data rows.tsv --out classes --max-steps 1", "train --model masked --task mlm --data lines.txt --out filler --max-steps 1"} {
		code, _, errs := luthier(t, failure{args: line}.line()...)
		require.Zero(t, code, errs)
	}
}
