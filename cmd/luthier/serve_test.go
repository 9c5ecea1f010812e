package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
	"luthier/train"
)

const generation = `{"eos_token_id": [1, 7], "transformers_version": "5.0.0"}`

// servedModel is a bf16 model with what transformers writes beside one, and data for it.
func servedModel(t *testing.T) (dir, rows string) {
	dir, rows = tinyModel(t, "llama"), filepath.Join(t.TempDir(), "lines.txt")
	editJSON(t, filepath.Join(dir, "config.json"), map[string]any{"torch_dtype": "bfloat16"})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(generation), 0o644))
	require.NoError(t, os.WriteFile(rows, []byte(strings.Repeat("the good wood and the bad wood sing.\n", 40)), 0o644))
	return dir, rows
}

func ran(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := luthier(t, args...)
	require.Zero(t, code, errs)
	return out
}

// served are the type that config.json says, the types of the weights, and the generation config.
func served(t *testing.T, dir string) (said any, types map[string]bool, generation string) {
	t.Helper()
	m, err := safetensors.OpenModel(dir)
	require.NoError(t, err)
	defer m.Close()
	types = map[string]bool{}
	for _, n := range m.Names() {
		x, _ := m.Tensor(n)
		types[x.DType] = true
	}
	raw, _ := os.ReadFile(filepath.Join(dir, "generation_config.json"))
	return jsonOf(t, filepath.Join(dir, "config.json"))["torch_dtype"], types, string(raw)
}

func jsonOf(t *testing.T, path string) (v map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

// A merged model brings the tokens that end a text, and its config the type of its weights. PEFT's adapters bring neither.
func TestMergedModelServes(t *testing.T) {
	dir, rows := servedModel(t)
	out := filepath.Join(t.TempDir(), "adapter")
	ran(t, "train", "--model", dir, "--data", rows, "--out", out, "--max-steps", "1", "--max-length", "16", "--save-strategy", "no")
	require.NoFileExists(t, filepath.Join(out, "generation_config.json"))
	for dtype, want := range map[string][2]string{"": {"bfloat16", safetensors.BF16}, "f32": {"float32", safetensors.F32}, "float16": {"float16", safetensors.F16}} {
		merged := filepath.Join(t.TempDir(), "merged")
		ran(t, "merge", "--adapter", out, "--out", merged, "--dtype", dtype)
		said, types, gen := served(t, merged)
		require.Equal(t, want[0], said)
		require.Equal(t, map[string]bool{want[1]: true}, types)
		require.Equal(t, generation, gen)
		j := &job{src: &source{dir: merged}}
		require.NoError(t, j.src.open(true))
		require.Contains(t, j.stops(), int32(7))
	}
}

// A whole model is trained in f32: what is written with fewer bits is told, and --save-dtype chooses.
func TestFullSaysType(t *testing.T) {
	dir, rows := servedModel(t)
	command := []string{"train", "--method", "full", "--model", dir, "--data", rows, "--max-steps", "1", "--max-length", "16", "--save-strategy", "no"}
	for flag, want := range map[string][3]string{
		"":     {"bfloat16", safetensors.BF16, "trained in f32 and written as bf16, as the base model has them (--save-dtype f32"},
		"f32":  {"float32", safetensors.F32, "trained in f32 and written so; the base model has bf16"},
		"fp16": {},
		"f16":  {"float16", safetensors.F16, "trained in f32 and written as f16 (--save-dtype)"},
	} {
		out := filepath.Join(t.TempDir(), "model")
		args := append(append([]string{}, command...), "--out", out, "--save-dtype", flag)
		if want[0] == "" {
			code, _, errs := luthier(t, args...)
			require.Equal(t, 2, code)
			require.Contains(t, errs, "save-dtype")
			continue
		}
		text := ran(t, args...)
		require.Contains(t, text, "weights:  "+want[2])
		card, err := os.ReadFile(filepath.Join(out, "README.md"))
		require.NoError(t, err)
		require.Contains(t, string(card), "| weights | "+want[2])
		said, types, gen := served(t, out)
		require.Equal(t, want[0], said)
		require.Equal(t, map[string]bool{want[1]: true}, types)
		require.Equal(t, generation, gen)
	}

	out := filepath.Join(t.TempDir(), "mezo")
	command = append(command, "--optim", "mezo", "--lr", "1e-6", "--out", out)
	code, _, errs := luthier(t, append(command, "--save-dtype", "f32")...)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "--save-dtype: mezo writes the weights as it trained them")
	require.NotContains(t, ran(t, command...), "trained in f32", "forward passes leave bf16 weights as they are")
}

// A model out of Hugging Face's cache goes by its name and revision in what others read, and by its place in what luthier reads.
func TestHubNameInFiles(t *testing.T) {
	dir := tinyModel(t, "llama")
	snap := filepath.Join(t.TempDir(), "models--some--model", "snapshots", "0123abc")
	require.NoError(t, os.MkdirAll(filepath.Dir(snap), 0o777))
	require.NoError(t, os.Rename(dir, snap))
	rows, out := tinyLabels(t, 8), filepath.Join(t.TempDir(), "adapter")
	ran(t, "train", "--model", snap, "--data", rows, "--out", out, "--max-steps", "1")
	saved, err := train.Checkpoints(out)
	require.NoError(t, err)
	require.Len(t, saved, 1)
	for _, at := range []string{out, filepath.Join(out, "checkpoint-1")} {
		config := jsonOf(t, filepath.Join(at, "adapter_config.json"))
		require.Equal(t, []any{"some/model", "0123abc"}, []any{config["base_model_name_or_path"], config["revision"]})
		require.Equal(t, snap, jsonOf(t, filepath.Join(at, "luthier.json"))["base_model"])
		ran(t, "eval", "--adapter", at, "--data", rows)
	}
	card, err := os.ReadFile(filepath.Join(out, "README.md"))
	require.NoError(t, err)
	var m cardMeta
	_, rest, _ := strings.Cut(string(card), "---\n")
	front, _, _ := strings.Cut(rest, "---\n")
	require.NoError(t, yaml.Unmarshal([]byte(front), &m))
	require.Equal(t, "some/model", m.BaseModel)
	require.Contains(t, m.Tags, "base_model:adapter:some/model")
	require.Contains(t, string(card), "An adapter of `some/model`")
}

// The order of patterns counts where several match a module: it is kept from the config file to run.yaml.
func TestPatternsInOrder(t *testing.T) {
	dir, rows := tinyModel(t, "llama"), tinyLabels(t, 8)
	for _, text := range []string{"alpha_pattern: {q_proj: 2.5, k_proj: 3, .*_proj: 4}", "alpha_pattern: q_proj=2.5,k_proj=3,.*_proj=4"} {
		config, out := filepath.Join(t.TempDir(), "c.yaml"), filepath.Join(t.TempDir(), "adapter")
		require.NoError(t, os.WriteFile(config, []byte(text+"\n"), 0o644))
		ran(t, "train", "--config", config, "--model", dir, "--data", rows, "--out", out, "--max-steps", "1", "--rank-pattern", "[qv]_proj=2")
		said, err := os.ReadFile(filepath.Join(out, "run.yaml"))
		require.NoError(t, err)
		require.Contains(t, string(said), "q_proj=2.5,k_proj=3,.*_proj=4")
		raw, err := os.ReadFile(filepath.Join(out, "adapter_config.json"))
		require.NoError(t, err)
		require.Regexp(t, `(?s)"q_proj": 2.5,\s*"k_proj": 3,\s*"\.\*_proj": 4`, string(raw))
		card, err := os.ReadFile(filepath.Join(out, "README.md"))
		require.NoError(t, err)
		require.Contains(t, string(card), "'[qv]_proj=2'")
	}
}
