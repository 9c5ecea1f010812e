package main

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/data"
	"luthier/internal/atomicfile"
	"luthier/model"
	"luthier/model/safetensors"
)

// promptable gives the tiny BERT a mask token and a masked-language-model head.
func promptable(t *testing.T, dir string) {
	t.Helper()
	editJSON(t, filepath.Join(dir, "tokenizer_config.json"), map[string]any{"mask_token": "<eos>"})
	m, err := safetensors.OpenModel(dir)
	require.NoError(t, err)
	defer m.Close()
	var all []safetensors.Out
	for _, n := range m.Names() {
		x, _ := m.Tensor(n)
		all = append(all, safetensors.Copy(x))
	}
	fill := func(name string, x func(i int) float32, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		raw := make([]byte, 4*n)
		for i := range n {
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(x(i)))
		}
		all = append(all, safetensors.Out{Name: name, DType: safetensors.F32, Shape: shape, Data: raw})
	}
	zero, one := func(int) float32 { return 0 }, func(int) float32 { return 1 }
	fill("cls.predictions.bias", zero, 300)
	fill("cls.predictions.transform.dense.weight", func(i int) float32 { return float32(i%7-3) / 10 }, 16, 16)
	fill("cls.predictions.transform.dense.bias", zero, 16)
	fill("cls.predictions.transform.LayerNorm.weight", one, 16)
	fill("cls.predictions.transform.LayerNorm.bias", zero, 16)
	require.NoError(t, atomicfile.WriteFile(filepath.Join(dir, "model.safetensors"), 0o644, func(w io.Writer) error { return safetensors.Write(w, all, nil) }))
}

var tinyPrompts = map[string][]string{
	"bert":  {"--template", "{text} It was {mask}.", "--verbalizer", "bad,good"},
	"llama": {"--template", "{text} It was", "--verbalizer", "positive= good,negative= wood"},
}

// TestPrompt classifies with the language model's own head: eval and predict agree, and a record beside the model brings the prompt along.
func TestPrompt(t *testing.T) {
	for kind, prompt := range tinyPrompts {
		t.Run(kind, func(t *testing.T) {
			dir, rows := tinyModel(t, kind), tinyLabels(t, 9)
			if kind == "bert" {
				promptable(t, dir)
			}
			use := func(cmd string, more ...string) []map[string]any {
				code, out, errs := luthier(t, append([]string{cmd, "--model", dir, "--data", rows, "--json", "--batch-size", "4"}, more...)...)
				require.Zero(t, code, errs)
				require.NotContains(t, errs, "random")
				return answers(t, out)
			}
			r := use("eval", append([]string{"--task", "classify"}, prompt...)...)[0]
			require.Equal(t, []any{"negative", "positive"}, r["labels"])
			require.Equal(t, 9.0, r["rows"])
			metrics := r["metrics"].(map[string]any)

			v, err := data.ParseVerbalizer(prompt[3])
			require.NoError(t, err)
			if v.Labels == nil {
				prompt = []string{prompt[0], prompt[1], prompt[2], "negative=bad,positive=good"} // predict knows no labels by itself
			}
			ps := use("predict", prompt...)
			require.Len(t, ps, 9)
			loss, right := 0.0, 0.0
			for i, p := range ps {
				gold := []string{"positive", "negative"}[i%2]
				loss -= math.Log(p["probabilities"].(map[string]any)[gold].(float64))
				if p["label"] == gold {
					right++
				}
			}
			require.InDelta(t, metrics["loss"], loss/9, 1e-5)
			require.InDelta(t, metrics["accuracy"], right/9, 1e-9)

			record := runRecord{Version: version, Task: model.Score, Labels: []string{"negative", "positive"}, MaxLength: 64, Template: prompt[1], Verbalizer: prompt[3]}
			require.NoError(t, record.write(dir))
			require.Equal(t, metrics, use("eval")[0]["metrics"])
			require.Equal(t, ps, use("predict"))

			merged := filepath.Join(t.TempDir(), "merged")
			code, _, errs := luthier(t, "merge", "--model", dir, "--out", merged, "--dtype", "f32")
			require.Zero(t, code, errs)
			require.Equal(t, record.Template, readRecord(merged).Template)
			require.Equal(t, record.Verbalizer, readRecord(merged).Verbalizer)
			code, out, errs := luthier(t, "inspect", merged)
			require.Zero(t, code, errs)
			require.NotEmpty(t, out)
			config, err := model.ReadConfig(merged)
			require.NoError(t, err)
			require.Equal(t, map[string]string{"bert": "BertForMaskedLM", "llama": "LlamaForCausalLM"}[kind], config.Architectures[0])
		})
	}
}

// TestPromptRefused holds what a prompt is refused for, each with what helps.
func TestPromptRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, kind := range []string{"bert", "llama"} {
		require.NoError(t, os.CopyFS(kind, os.DirFS(tinyModel(t, kind))))
	}
	require.NoError(t, os.CopyFS("mlm", os.DirFS("bert")))
	promptable(t, "mlm")
	require.NoError(t, os.Rename(tinyLabels(t, 6), "rows.tsv"))
	require.NoError(t, os.WriteFile("pairs.tsv", []byte("sentence1\tsentence2\tlabel\na\tb\tx\nc\td\ty\n"), 0o644))
	for _, c := range []struct {
		model, template, verbalizer string
		more                        []string
		code                        int
		want                        string
	}{
		{"mlm", "{text} is", "b,g", nil, 2, "has no {mask}"},
		{"bert", "{text} is {mask}", "b,g", nil, 2, "names no mask_token"},
		{"mlm", "{text} is {mask}", "terrible,bad", nil, 2, "a mask stands for one: choose a shorter word"},
		{"mlm", "{text} is {mask}", "b", nil, 2, "each class wants its own"},
		{"mlm", "{text} is {mask}", "b,g,x", nil, 2, "3 words for 2 labels: give a word for each of negative, positive"},
		{"mlm", "{text} is {mask}", "", nil, 2, "--template wants --verbalizer"},
		{"mlm", "", "b,g", nil, 2, "--verbalizer wants --template"},
		{"mlm", "{txt} is {mask}", "b,g", nil, 2, "{txt} is no field"},
		{"llama", "{text} is {mask} so", " a, b", nil, 2, "must stand at the end"},
		{"llama", "{text}", "positive= a,neutral= b", nil, 2, `label "negative" (rows.tsv:3) has no word: add negative=WORD`},
		{"llama", "{text}", " a, b", []string{"--task", "regress"}, 2, "for --task classify"},
		{"llama", "{sentence1} {sentence2}", " a, b", nil, 2, "line 2 has one text"},
		{"llama", "{text}", " a, b", []string{"--data", "pairs.tsv"}, 2, "line 2 has two texts"},
		{"llama", "the good wood and the bad wood sing {text}", " a, b", []string{"--max-length", "8"}, 2, "--max-length 8: give a shorter template"},
	} {
		code, _, errs := luthier(t, append([]string{"eval", "--model", c.model, "--data", "rows.tsv", "--template", c.template, "--verbalizer", c.verbalizer}, c.more...)...)
		require.Equal(t, c.code, code, "%v: %s", c, errs)
		require.Contains(t, errs, c.want)
	}
	code, _, errs := luthier(t, "train", "--model", "llama", "--data", "rows.tsv", "--out", "out", "--template", "{text}", "--verbalizer", " a, b")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "wants gradients")
	require.NoDirExists(t, "out")
	editJSON(t, "bert/tokenizer_config.json", map[string]any{"mask_token": "<eos>"})
	code, _, errs = luthier(t, "predict", "--model", "bert", "--template", "{text} {mask}", "--verbalizer", "b,g", "text")
	require.Equal(t, 3, code)
	require.Contains(t, errs, "has no cls.")
}

// The advice names the labels and suits the model.
func TestPromptAdvice(t *testing.T) {
	for kind, want := range map[string]string{"bert": `--template '{text} It was {mask}.' --verbalizer 'negative=WORD,positive=WORD'`,
		"llama": `--template '{text} It was' --verbalizer 'negative= WORD,positive= WORD'`} {
		c, err := model.ReadConfig(tinyModel(t, kind))
		require.NoError(t, err)
		j := &job{src: &source{config: c}, task: model.Classify, labels: []string{"negative", "positive"}}
		require.Contains(t, j.promptAdvice(), want)
		j.task = model.Score
		require.Empty(t, j.promptAdvice())
	}
}
