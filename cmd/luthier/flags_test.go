package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"luthier/peft"
)

// commandOf builds a command as a run would.
func commandOf(t *testing.T, args ...string) *cobra.Command {
	t.Helper()
	a := &app{}
	var err error
	a.choice, err = choose(args)
	require.NoError(t, err)
	c, _, err := a.root().Find(args)
	require.NoError(t, err)
	return c
}

// Every alias must lead to a flag that some command has, and no name may be an alias and a flag.
func TestAliasesLead(t *testing.T) {
	known := map[string]bool{}
	add := func(f *pflag.FlagSet) { f.VisitAll(func(x *pflag.Flag) { known[x.Name] = true }) }
	for _, c := range []string{"train", "eval", "predict", "generate", "merge", "plan", "doctor", "bench"} {
		add(commandOf(t, c).Flags())
	}
	for _, n := range peft.Names() {
		add(commandOf(t, "train", "--method", n).Flags())
	}
	for _, n := range optimizerNames() {
		add(commandOf(t, "train", "--optim", n).Flags())
	}
	for own, others := range aliases {
		require.True(t, known[own], "alias table: no flag --%s", own)
		for _, o := range others {
			require.False(t, known[o], "--%s is a flag and an alias of --%s", o, own)
			require.Empty(t, aliases[o], "--%s is an alias and has aliases", o)
			require.Empty(t, noEffect[o])
		}
	}
}

// TestHuggingFaceNames sets transformers', PEFT's and Axolotl's names and reads luthier's.
func TestHuggingFaceNames(t *testing.T) {
	for _, c := range []struct{ arg, own, value string }{
		{"--learning_rate=0.5", "lr", "0.5"},
		{"--per-device-train-batch-size=3", "batch-size", "3"},
		{"--per_device_eval_batch_size=3", "eval-batch-size", "3"},
		{"--num_train_epochs=7", "epochs", "7"},
		{"--output_dir=x", "out", "x"},
		{"--model_name_or_path=x", "model", "x"},
		{"--gradient_accumulation_steps=4", "accumulate", "4"},
		{"--lr_scheduler_type=cosine", "schedule", "cosine"},
		{"--warmup_ratio=0.1", "warmup-ratio", "0.1"},
		{"--weight_decay=0.1", "weight-decay", "0.1"},
		{"--max_grad_norm=2", "max-grad-norm", "2"},
		{"--logging_steps=5", "log-steps", "5"},
		{"--evaluation_strategy=steps", "eval-strategy", "steps"},
		{"--save_total_limit=1", "save-total-limit", "1"},
		{"--load_best_model_at_end", "load-best", "true"},
		{"--metric_for_best_model=f1", "metric", "f1"},
		{"--early_stopping_patience=2", "patience", "2"},
		{"--lora_rank=4", "lora-r", "4"},
		{"--r=4", "lora-r", "4"},
		{"--lora_target=all", "target-modules", "all"},
		{"--use_rslora", "use-rslora", "true"},
		{"--label_smoothing_factor=0.1", "label-smoothing", "0.1"},
		{"--gradient_checkpointing", "recompute", "true"},
		{"--cutoff_len=99", "max-length", "99"},
		{"--micro_batch_size=2", "batch-size", "2"},
		{"--dataloader_drop_last", "drop-last", "true"},
		{"--resume_from_checkpoint", "resume", "latest"},
	} {
		f := commandOf(t, "train").Flags()
		require.NoError(t, f.Parse([]string{c.arg}), c.arg)
		require.Equal(t, c.value, f.Lookup(c.own).Value.String(), c.arg)
		require.True(t, f.Changed(c.own), c.arg)
	}
}

func TestTidy(t *testing.T) {
	root := func() *cobra.Command {
		a := &app{}
		a.choice, _ = choose(nil)
		return a.root()
	}
	for _, c := range []struct{ in, out string }{
		{"train --lr 3 --recompute true --out x", "train --lr 3 --recompute=true --out x"},
		{"train --resume dir --lr 1", "train --resume=dir --lr 1"},
		{"train --resume --lr 1", "train --resume --lr 1"},
		{"train --lr=3 --no-shuffle", "train --lr=3 --no-shuffle"},
		{"train --text-column --lr", "train --text-column --lr"},
		{"predict --adapter x -- --odd", "predict --adapter x -- --odd"},
		{"train --lr 1 --lr 2", "train --lr 1 --lr 2"},
	} {
		got, err := tidy(root(), strings.Fields(c.in))
		require.NoError(t, err)
		require.Equal(t, c.out, strings.Join(got, " "))
	}
}

func TestSuggest(t *testing.T) {
	f := commandOf(t, "train").Flags()
	for in, want := range map[string]string{"learing_rate": "learning-rate", "epoch": "epochs", "lora-rr": "lora-r", "num_train_epoch": "num-train-epochs",
		"ouput-dir": "output-dir", "zzzzzz": "", "warmup": "warmup-ratio"} {
		require.Equal(t, want, suggest(in, f), in)
	}
	require.Equal(t, 3, distance("kitten", "sitting"))
	require.Equal(t, 4, distance("", "four"))
}

// What --dry-run prints, --config takes back: the same settings come out. Flags win over the file.
func TestConfigRoundTrip(t *testing.T) {
	code, first, errs := luthier(t, "train", "--dry-run", "--model", tinyModel(t, "bert"), "--data", tinyLabels(t, 8), "--out", filepath.Join(t.TempDir(), "out"),
		"--lr", "3e-3", "--batch-size", "5", "--lora-r", "3", "--rank-pattern", "query=2,value=4", "--text-column", "1", "--pack=false",
		"--modules-to-save", "pooler.dense,classifier")
	require.Zero(t, code, errs)
	path := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(path, []byte(first), 0o644))
	code, second, errs := luthier(t, "train", "--dry-run", "--config", path)
	require.Zero(t, code, errs)
	require.Equal(t, first, second)
	code, third, errs := luthier(t, "train", "--dry-run", "--config", path, "--learning-rate", "7")
	require.Zero(t, code, errs)
	require.Contains(t, third, "\nlr: 7\n")
	require.Contains(t, third, "\nbatch_size: 5\n")
}

// A config of another tool runs as it is.
func TestConfigForeign(t *testing.T) {
	path := filepath.Join(t.TempDir(), "llamafactory.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`# model
model_name_or_path: some/model
stage: sft
do_train: true
trust_remote_code: true
load_in_8bit: false
finetuning_type: lora
lora_rank: 4
lora_target: [q_proj, v_proj]
cutoff_len: 128
output_dir: saves
overwrite_output_dir: true
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
report_to: none
resume_from_checkpoint: null
`), 0o644))
	code, out, errs := luthier(t, "train", "--dry-run", "--config", path, "--model", tinyModel(t, "llama"), "--data", tinyLabels(t, 8), "--max-length", "64",
		"--out", filepath.Join(t.TempDir(), "out"))
	require.Zero(t, code, errs)
	for _, line := range []string{"lora_r: 4", "target_modules: q_proj,v_proj", "max_length: 64", "accumulate: 8", "schedule: cosine", "lr: 0.0001", "epochs: 3"} {
		require.Contains(t, out, line+"\n")
	}
}

func TestParseBytes(t *testing.T) {
	for in, want := range map[string]int64{"": 0, "1": 1, "4GiB": 4 << 30, "1.5g": 3 << 29, "512 MiB": 512 << 20, "2TB": 2 << 40} {
		got, err := parseBytes(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"x", "-1", "0", "NaN", "1e99", "4GiBB", "GiB"} {
		_, err := parseBytes(in)
		require.Error(t, err, in)
	}
}

func TestLargestBatch(t *testing.T) {
	need := func(b int) (int64, error) { return int64(10 * b), nil }
	for _, c := range []struct{ limit, want int }{{0, 0}, {9, 0}, {10, 1}, {99, 9}, {100, 10}, {1 << 20, 64}} {
		got, err := largestBatch(64, int64(c.limit), need)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.limit)
	}
}
