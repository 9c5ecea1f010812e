package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// A dry run refuses what the run would refuse, with the same words and code, and leaves nothing behind.
func TestDryRunChecks(t *testing.T) {
	t.Chdir(t.TempDir())
	failureFiles(t)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"+ --lr NaN", 2, "--lr NaN"},
		{"+ --lora-r 0", 2, "lora-r 0"},
		{"+ --schedule polynomial", 2, "--schedule"},
		{"+ --report_to wandb", 2, "--report-to wandb"},
		{"+ --task translate", 2, `--task "translate"`},
		{"+ --init_lora_weights pissa", 2, "pissa"},
		{"+ --eval-strategy bogus", 2, "--eval-strategy"},
		{"+ --memory 4XB", 2, "--memory"},
		{"+ --metric rouge", 2, "--metric rouge"},
		{"+ --patience 2", 2, "--patience 2"},
		{"+ --warmup-steps 999", 2, "warmup-steps 999"},
		{"+ --target-modules q_porj", 2, "q_porj"},
		{"+ --optim mezo --eps 0", 2, "--eps 0"},
		{"+ --linear-probe --linear-probe-l2 0", 2, "--linear-probe-l2 0"},
		{"train --data rows.tsv --out out", 2, "--model"},
		{"train --model bert --out out", 2, "--data"},
		{"train --model bert --data rows.tsv", 2, "--out"},
		{"train --model nowhere --data rows.tsv --out out", 3, "nowhere"},
		{"train --model bert --data nowhere.tsv --out out", 3, "nowhere.tsv"},
		{"train --model bert --data rows.tsv --out used", 2, "used holds another run"},
	} {
		line := failure{args: c.args + " --dry-run"}.line()
		code, out, errs := luthier(t, line...)
		require.Equal(t, c.code, code, c.args+errs)
		require.Contains(t, errs, c.says, c.args)
		require.Empty(t, out, c.args)
		require.NoDirExists(t, "out")
		code, _, run := luthier(t, line[:len(line)-1]...)
		require.Equal(t, c.code, code, c.args)
		require.Equal(t, run, errs, c.args)
	}
	code, _, errs := luthier(t, strings.Fields(refusedRun+" --resume --dry-run")...)
	require.Equal(t, exitCheckpoint, code)
	require.Contains(t, errs, "leave --resume out")
}

// What nobody gave stands in a dry run as the model and the data settle it, in YAML and in JSON, and in the run.yaml of the run.
func TestDryRunSettles(t *testing.T) {
	t.Chdir(t.TempDir())
	failureFiles(t)
	args := strings.Fields(refusedRun + " --eval-data rows.tsv --metric accuracy --optim adamw_torch_fused --bf16 --max-steps 1")
	code, text, errs := luthier(t, append(args, "--dry-run")...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "--bf16 has no effect")
	var got map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &got))
	want := map[string]any{"task": "classify", "max_length": uint64(64), "target_modules": "query,value", "eval_strategy": "epoch", "save_strategy": "epoch",
		"metric": "accuracy", "greater_is_better": true, "eval_batch_size": uint64(8), "labels": uint64(2), "optim": "adamw", "init_lora_weights": "true"}
	for k, v := range want {
		require.Equal(t, v, got[k], k)
	}
	code, text, errs = luthier(t, append(args, "--dry-run", "--json")...)
	require.Zero(t, code, errs)
	var object struct{ Settings map[string]any }
	require.NoError(t, json.Unmarshal([]byte(text), &object))
	require.Equal(t, "query,value", object.Settings["target_modules"])
	require.Equal(t, 64.0, object.Settings["max_length"])

	code, _, errs = luthier(t, args...)
	require.Zero(t, code, errs)
	raw, err := os.ReadFile("out/run.yaml")
	require.NoError(t, err)
	var saved map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &saved))
	delete(got, "device")
	for k, v := range got {
		require.Equal(t, v, saved[k], k)
	}
}

// run.yaml makes the same run again and resumes it, with gradients and without, and from an adapter whose settings it has from there.
func TestRunAgainFromFile(t *testing.T) {
	t.Chdir(t.TempDir())
	failureFiles(t)
	code, _, errs := luthier(t, strings.Fields("train --model bert --data rows.tsv --out first --max-steps 1")...)
	require.Zero(t, code, errs)
	for name, line := range map[string]string{
		"gradients": "--model bert --lora-dropout 0.1",
		"forward":   "--model bert --optim mezo",
		"adapter":   "--init-adapter first",
	} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := luthier(t, strings.Fields("train --data rows.tsv --eval-data rows.tsv --metric accuracy --load-best --epochs 2 --out "+name+" "+line)...)
			require.Zero(t, code, errs)
			file := filepath.Join(name, configFile)
			code, _, errs = luthier(t, "train", "--config", file, "--out", name+"-again")
			require.Zero(t, code, errs)
			a, err := os.ReadFile(filepath.Join(name, "adapter_model.safetensors"))
			require.NoError(t, err)
			b, err := os.ReadFile(filepath.Join(name+"-again", "adapter_model.safetensors"))
			require.NoError(t, err)
			require.Equal(t, a, b)
			code, _, errs = luthier(t, "train", "--config", file, "--resume")
			require.Zero(t, code, errs)
			for _, command := range []string{"plan", "show-batch"} {
				code, _, errs = luthier(t, command, "--config", file)
				require.Zero(t, code, errs)
			}
		})
	}
}

// A saved setting that was found out gives way to the one that it was found out from.
func TestSavedGivesWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(path, []byte("metric: loss\ngreater_is_better: false\neval_strategy: epoch\nmax_steps: 9\nwarmup_ratio: 0.1\n"), 0o644))
	_, s := settings(t, "--config", path, "--metric", "accuracy", "--eval-steps", "3", "--epochs", "2", "--warmup-steps", "1")
	require.NoError(t, s.sound())
	require.True(t, s.options().Greater)
	require.Equal(t, []any{"steps", 0, 0.0, 1}, []any{s.evalStrategy, s.maxSteps, s.warmupRatio, s.warmupSteps})
	_, s = settings(t, "--config", path)
	require.NoError(t, s.sound())
	require.Equal(t, []any{"epoch", 9, 0.1}, []any{s.evalStrategy, s.maxSteps, s.warmupRatio})
}

// plan says of settings without effect what train says, and refuses the same numbers.
func TestPlanNotes(t *testing.T) {
	dir := tinyModel(t, "bert")
	code, _, errs := luthier(t, "plan", "--model", dir, "--bf16")
	require.Zero(t, code, errs)
	require.Contains(t, errs, "--bf16 has no effect")
	code, _, errs = luthier(t, "plan", "--model", dir, "--lr", "nan")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "--lr NaN")
}
