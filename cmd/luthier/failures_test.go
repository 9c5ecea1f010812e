package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// failure is a command line that must fail, with its exit code and what its message must say: what is wrong, where, and what helps.
type failure struct {
	what  string // as docs/failures.md has it
	args  string // words with blanks between; one that begins with + goes on behind refusedRun
	code  int
	wants []string
}

// refusedRun is a run that would succeed.
const refusedRun = "train --model bert --data rows.tsv --out out"

var failures = []failure{
	{"a command that is not there", "tarin", 2, []string{`unknown command "tarin": did you mean train?`}},
	{"a command that is not there, with settings", "tarin --model bert", 2, []string{`unknown command "tarin": did you mean train?`}},
	{"another tool's command", "merge-lora --adapter adapter", 2, []string{`unknown command "merge-lora"`, "luthier merge"}},
	{"settings without a command", "--model bert", 2, []string{"--model: name the command first"}},
	{"a config file without --config", "train settings.yaml", 2, []string{"--config settings.yaml"}},
	{"a setting that other tools have", "+ --load_in_4bit", 2, []string{"--load_in_4bit: weights are not quantized", "leave it out"}},
	{"another tool's key in run.yaml", "+ --config axolotl.yaml", 2, []string{"axolotl.yaml:2: datasets:", "--data"}},
	{"an optimizer with quantized moments", "+ --optim adamw_8bit", 2, []string{"--optim adamw_8bit", "give adamw"}},
	{"a stage that is not trained", "+ --stage dpo", 2, []string{"--stage", "no dpo"}},
	{"the processor by another name", "+ --use-cpu true", 2, []string{"--use-cpu", "--device"}},
	{"a word that is no flag", "train extra", 2, []string{`"extra"`, "luthier train --help"}},
	{"no model given", "train --data rows.tsv --out out", 2, []string{"--model: give a model directory"}},
	{"an unknown flag", "+ --batchsize 4", 2, []string{"--batchsize", "did you mean --batch-size?"}},
	{"another method's flag", "+ --method full --lora-r 4", 2, []string{"lora-r", "belongs to --method lora"}},
	{"two names of one setting", "+ --lr 1 --learning_rate 1", 2, []string{"--lr and --learning_rate", "give one"}},
	{"an unknown key in run.yaml", "+ --config key.yaml", 2, []string{"key.yaml:2", "epcohs", "did you mean epochs?"}},
	{"a setting twice in run.yaml", "+ --config twice.yaml", 2, []string{"twice.yaml:2", "learning_rate and lr (line 1)"}},
	{"broken YAML", "+ --config broken.yaml", 2, []string{"broken.yaml:1:5", "']' not found"}},
	{"a value that is no number", "+ --epochs many", 2, []string{`--epochs "many": want a number`}},
	{"learning rate 0", "+ --lr 0", 2, []string{"--lr 0: want a positive number"}},
	{"learning rate below 0", "+ --lr -1", 2, []string{"--lr -1: want a positive number"}},
	{"learning rate NaN", "+ --lr nan", 2, []string{"--lr NaN: want a positive number"}},
	{"learning rate infinite", "+ --lr inf", 2, []string{"--lr +Inf: want a positive number"}},
	{"no epochs", "+ --epochs 0", 2, []string{"--epochs 0: want a positive number, or --max-steps"}},
	{"epochs NaN", "+ --epochs nan", 2, []string{"--epochs NaN: want a positive number"}},
	{"steps below 0", "+ --max-steps -1", 2, []string{"--max-steps -1: want a positive number"}},
	{"rank 0", "+ --lora-r 0", 2, []string{"lora-r 0", "want"}},
	{"batch 0", "+ --batch-size 0", 2, []string{"--batch-size 0: want 1 to"}},
	{"a target that matches nothing", "+ --target-modules q_porj", 2, []string{"q_porj", "luthier inspect bert"}},
	{"an unknown method", "+ --method lroa", 2, []string{"lroa", "have full, lora"}},
	{"an unknown optimizer", "+ --optim adamx", 2, []string{"adamx", "adamw"}},
	{"a perturbation of 0", "+ --optim mezo --eps 0", 2, []string{"--eps 0: want a positive number"}},
	{"pairs of an unknown kind", "+ --optim mezo --pairs both", 2, []string{`"both"`, "together, apart or auto"}},
	{"an objective that is not measured", "+ --optim mezo --objective bleu", 2, []string{"--objective bleu", "accuracy"}},
	{"recomputation without a backward pass", "+ --optim mezo --recompute", 2, []string{"--recompute", "keeps no activations"}},
	{"a prompt for a model without a mask", "+ --optim mezo --template {text}{mask} --verbalizer good,bad", 2, []string{"mask_token"}},
	{"a prompt and gradients", "train --model llama --data rows.tsv --out out --template {text}{mask} --verbalizer good,bad", 2, []string{"--optim mezo"}},
	{"a chat template's name", "+ --template qwen", 2, []string{"--template qwen", "chat templates are not read yet"}},
	{"a template without words", "+ --optim mezo --template {text}{mask}", 2, []string{"--verbalizer"}},
	{"an unknown schedule", "+ --schedule cosin", 2, []string{`"cosin"`, "constant, linear, cosine"}},
	{"an unknown metric", "+ --eval-data rows.tsv --metric rouge", 2, []string{"rouge", "accuracy"}},
	{"an unknown task", "+ --task translate", 2, []string{`"translate"`, "classify", "regress"}},
	{"patience without evaluation", "+ --patience 2", 2, []string{"patience 2", "evaluation data"}},
	{"a step strategy without steps", "+ --eval-strategy steps", 2, []string{"give --eval-steps"}},
	{"longer than the model", "+ --max-length 65", 2, []string{"--max-length 65", "64 positions"}},
	{"a text longer than the model", "generate --model llama --prompt x --max-new-tokens 99", 2, []string{"64 positions", "--max-new-tokens"}},
	{"a model that writes no text", "generate --model bert --prompt x", 2, []string{"bert"}},
	{"a size that is none", "+ --memory much", 2, []string{`"much" is no size`, "4GiB"}},
	{"an output directory in use by an earlier run", "train --model bert --data rows.tsv --out used", 2, []string{"used holds another run", "--resume", "--overwrite"}},
	{"an output path through a file", "train --model bert --data rows.tsv --out rows.tsv/out", 2, []string{"--out", "rows.tsv", "choose another directory"}},

	{"a batch beyond the memory", "+ --memory 600KiB --batch-size 64", 5, []string{"64 x 32 tokens", "600.0 KiB (--memory)", "the largest that fits is --batch-size"}},
	{"memory for no sequence", "+ --memory 20KiB", 5, []string{"not one sequence fits", "--max-length"}},
	{"a batch beyond the adapter's limit", "+ --batch-size 65536 --memory 1TiB", 5, []string{"65536 x 32 tokens", "the largest that fits is --batch-size"}},
	{"an evaluation beyond the memory", "+ --eval-data rows.tsv --memory 700KiB --eval-batch-size 512", 5, []string{"512 x 32 tokens", "the largest that fits is --eval-batch-size"}},

	{"a text beyond the memory", "generate --model llama --memory 20KiB --max-new-tokens 8 --prompt x", 5, []string{"out of device memory", "--max-new-tokens"}},
	{"a batch of eval beyond the memory", "eval --adapter adapter --data rows.tsv --memory 100KiB --batch-size 64", 5, []string{"the largest that fits is --batch-size"}},
	{"resuming where there is no checkpoint", "+ --resume", 8, []string{"no checkpoint", "leave --resume out"}},
	{"resuming a run that was killed before its first checkpoint", "train --model bert --data rows.tsv --out used --resume", 8, []string{"no checkpoint", "start again with --overwrite"}},
}

// failureFiles fills the current directory with what the failures need.
func failureFiles(t *testing.T) {
	t.Helper()
	modelFiles(t)
	dataFiles(t)
	require.NoError(t, os.MkdirAll("empty", 0o755))
	require.NoError(t, os.MkdirAll("used", 0o755))
	require.NoError(t, os.WriteFile("used/metrics.jsonl", nil, 0o644))
	for name, text := range map[string]string{"key.yaml": "lr: 1\nepcohs: 3\n", "twice.yaml": "lr: 1\nlearning_rate: 3\n", "broken.yaml": "lr: [1\n",
		"axolotl.yaml": "load_in_4bit: false\ndatasets:\n  - path: rows.tsv\n    type: alpaca\n"} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
}

func editJSON(t *testing.T, path string, change map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var v map[string]any
	require.NoError(t, json.Unmarshal(raw, &v))
	maps.Copy(v, change)
	raw, err = json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o644))
}

// lastMessage is what stands last on standard error: notes may precede it.
func lastMessage(errs string) string {
	return strings.TrimSpace(errs[max(0, strings.LastIndex(errs, "luthier: ")):])
}

// line is the command line of a failure.
func (f failure) line() []string {
	args, more := strings.CutPrefix(f.args, "+")
	if more {
		args = refusedRun + args
	}
	return strings.Fields(args)
}

// meets holds an end against what it must be, and notes it for the document.
func (f failure) meets(t *testing.T, d told, code int, errs string) {
	t.Helper()
	msg := lastMessage(errs)
	d.add(f, msg)
	require.Equal(t, f.code, code, errs)
	require.True(t, strings.HasPrefix(msg, "luthier: "), errs)
	for _, w := range f.wants {
		require.Contains(t, msg, w)
	}
}

// TestFailures shows each failure as a user meets it, and holds docs/failures.md against what was printed. A refused run leaves nothing
// behind.
func TestFailures(t *testing.T) {
	page, err := filepath.Abs("../../docs/failures.md")
	require.NoError(t, err)
	d, skipped := told{}, 0
	t.Chdir(t.TempDir())
	failureFiles(t)
	code, _, errs := luthier(t, "train", "--model", "bert", "--data", "rows.tsv", "--out", "adapter", "--max-steps", "1")
	require.Zero(t, code, errs)
	adapterFiles(t)
	taskFiles(t)
	for _, f := range slices.Concat(failures, dataFailures, modelFailures, taskFailures) {
		t.Run(f.what, func(t *testing.T) {
			code, _, errs := luthier(t, f.line()...)
			f.meets(t, d, code, errs)
			require.NoDirExists(t, "out")
			require.NoFileExists(t, "used/run.yaml")
		})
	}
	for _, f := range mended {
		t.Run(f.what, func(t *testing.T) { d.add(f, f.trains(t)) })
	}
	for _, f := range slices.Concat(staged, diskStages, deviceStages) {
		t.Run(f.what, func(t *testing.T) {
			skipped++
			code, errs := f.run(t)
			skipped--
			f.meets(t, d, code, errs)
		})
	}
	switch {
	case t.Failed():
	case os.Getenv(writeEnv) == "1":
		require.Zero(t, skipped, "not every failure can be provoked here")
		require.NoError(t, os.WriteFile(page, []byte(d.text()), 0o644))
	default:
		d.compare(t, page, skipped == 0)
	}
}
