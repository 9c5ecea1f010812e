package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each refused name is nobody's setting where it is refused, and each setting and command that a remedy names is there.
func TestRefusedNames(t *testing.T) {
	train := commandOf(t, "train").Flags()
	for name, r := range refused {
		require.Equal(t, name, plainName(name), "an alias")
		require.Nil(t, train.Lookup(name), name)
		require.Empty(t, noEffect[name], name)
		checkRemedy(t, name, r.text)
	}
	for name, way := range verbs {
		for _, c := range commandOf(t, "train").Parent().Commands() {
			require.NotEqual(t, name, c.Name())
			require.NotContains(t, c.Aliases, name)
		}
		checkRemedy(t, name, way)
	}
}

func checkRemedy(t *testing.T, name, text string) {
	t.Helper()
	own := regexp.MustCompile("`hf [^`]*`").ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+)`).FindAllStringSubmatch(own, -1) {
		found := m[1] == "help"
		for _, c := range []string{"train", "eval", "merge", "doctor"} {
			found = found || commandOf(t, c).Flags().Lookup(m[1]) != nil || commandOf(t, c).InheritedFlags().Lookup(m[1]) != nil
		}
		require.True(t, found, "%s: no setting --%s", name, m[1])
	}
	for _, m := range regexp.MustCompile("luthier (train|eval|merge|plan|doctor|methods|models|generate|predict|show-batch)").FindAllStringSubmatch(own, -1) {
		require.Equal(t, m[1], commandOf(t, m[1]).Name(), name)
	}
}

// The names of other tools, as flags and as keys of their config files, are answered with what helps and not with a name that looks alike.
func TestRefusedSettings(t *testing.T) {
	for arg, says := range map[string]string{
		"--use_dora": "luthier methods", "--qlora": "luthier methods", "--load_in_8bit=True": "not quantized", "--local_rank 0 --ddp_backend nccl": "one device",
		"--val_set_size 0.1": "--eval-data", "--adapter_path x": "--out", "--chat_template chatml": "prompt and completion", "--max_samples 100": "head -n",
		"--mask-prompt false": "--train-on-prompts", "--completion_only_loss=false": "--train-on-prompts", "--num_layers 4": "--layers-to-transform",
		"--torch_dtype bfloat16": "merge --dtype", "--adapter lora": "--method lora",
	} {
		code, _, errs := luthier(t, append([]string{"train"}, strings.Fields(arg)...)...)
		require.Equal(t, exitUsage, code, arg)
		require.Contains(t, errs, says, arg)
		require.NotContains(t, errs, "did you mean", arg)
	}
	for lines, says := range map[string]string{
		"adapter: lora":                             "--method lora",
		"datasets:\n  - path: x\n    type: y":       "--data",
		"lora_parameters: {rank: 8, keys: [a, b]}":  "lora_r",
		"no_such_key:\n  - path: {x: y}":            "unknown key no_such_key",
		"target_modules:\n  - a: {x: y}":            "nested too deep",
		"method:\n  - a: {x: y}":                    "nested too deep",
		"load_in_4bit: false\nlora_target_qv: true": "unknown key lora_target_qv",
	} {
		path := filepath.Join(t.TempDir(), "x.yaml")
		require.NoError(t, os.WriteFile(path, []byte(lines+"\n"), 0o644))
		code, _, errs := luthier(t, "train", "--config", path)
		require.Equal(t, exitUsage, code, lines)
		require.Contains(t, errs, says, lines)
		require.Contains(t, errs, "x.yaml:", lines)
	}
}

// A value of another tool's setting that asks for nothing is accepted, however it is written.
func TestRefusedValuesOfNothing(t *testing.T) {
	a := &app{}
	var err error
	a.choice, err = choose(nil)
	require.NoError(t, err)
	got, err := tidy(a.root(), strings.Fields("train --load_in_4bit false --use-cpu=False --stage sft --lr 3 --mask_prompt --num-layers -1"))
	require.NoError(t, err)
	require.Equal(t, []string{"train", "--lr", "3"}, got)
}

// An unknown command is told before its flags are looked at.
func TestCommandFirst(t *testing.T) {
	for line, says := range map[string]string{
		"tarin --model m":                         "did you mean train?",
		"tarin --method lroa --config nowhere":    "did you mean train?",
		"--memory 1GiB tarin --model m":           "did you mean train?",
		"merge_and_unload --adapter x":            "luthier merge",
		"chat --model m":                          "luthier generate",
		"env":                                     "luthier doctor",
		"estimate-memory bert":                    "luthier plan",
		"preprocess c.yml --debug":                "luthier show-batch",
		"lora --model m":                          "luthier train",
		"download org/name":                       "hf download",
		"convert --model m":                       "luthier models",
		"--modle m":                               "name the command first",
		"train llamafactory.yaml":                 "--config llamafactory.yaml",
		"show-batch c.yml":                        "--config c.yml",
		"x.yaml":                                  "luthier train --config x.yaml",
		"train --optim paged_adamw_8bit":          "give adamw",
		"train --optim adamw_bnb_8bit --lr 1e-4 ": "give adamw",
	} {
		code, _, errs := luthier(t, strings.Fields(line)...)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, says, line)
	}
	for _, line := range []string{"help", "help train", "--help", "completion bash"} {
		code, _, errs := luthier(t, strings.Fields(line)...)
		require.Zero(t, code, line+errs)
	}
}

// With --json an error has its remedy, also where it comes before the flags are read.
func TestJSONErrors(t *testing.T) {
	dir := tinyModel(t, "bert")
	for line, says := range map[string]string{
		"train --json --lrr 3": "did you mean --lr?",
		"tarin --json":         "did you mean train?",
		"train --data nowhere.tsv --out " + filepath.Join(dir, "o") + " --json --model " + dir: "check the path",
	} {
		code, out, errs := luthier(t, strings.Fields(line)...)
		require.NotZero(t, code)
		var told struct {
			Error string
			Code  int `json:"exit_code"`
		}
		require.NoError(t, json.Unmarshal([]byte(out), &told), line+errs)
		require.Equal(t, code, told.Code)
		require.Contains(t, told.Error, says)
		require.Contains(t, errs, told.Error)
	}
}
