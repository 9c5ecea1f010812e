package model

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
)

// variant writes testdata/dir again with its tensors changed, each a list of what stands for it, and with other text in its config.
func variant(t *testing.T, dir string, change func(safetensors.Tensor) []safetensors.Tensor, config ...string) string {
	from, to := filepath.Join("testdata", dir), t.TempDir()
	raw, err := os.ReadFile(filepath.Join(from, "config.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(to, "config.json"), []byte(strings.NewReplacer(config...).Replace(string(raw))), 0o600))
	f, err := safetensors.OpenModel(from)
	require.NoError(t, err)
	defer f.Close()
	var out []safetensors.Out
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		for _, y := range change(x) {
			out = append(out, safetensors.Copy(y))
		}
	}
	require.NoError(t, safetensors.WriteModel(to, out, 0))
	return to
}

func opened(t *testing.T, dir string) *Weights {
	c, err := ReadConfig(dir)
	require.NoError(t, err)
	w, err := OpenWeights(dir, c)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

func as(x safetensors.Tensor, name string) safetensors.Tensor { x.Name = name; return x }

// Checkpoints from TensorFlow's days call the weights of norms gamma and beta; a merged model has today's names.
func TestLegacyNames(t *testing.T) {
	for _, prefix := range []string{"", "bert."} {
		dir := variant(t, "bert_seqcls", func(x safetensors.Tensor) []safetensors.Tensor {
			for now, old := range legacy {
				x.Name = strings.Replace(x.Name, now, old, 1)
			}
			if prefix == "" {
				x.Name = strings.TrimPrefix(x.Name, "bert.")
			}
			return []safetensors.Tensor{x}
		})
		w, now := opened(t, dir), opened(t, filepath.Join("testdata", "bert_seqcls"))
		for name, inFile := range map[string]string{"bert.embeddings.LayerNorm.weight": "embeddings.LayerNorm.gamma",
			"bert.encoder.layer.0.output.LayerNorm.bias": "encoder.layer.0.output.LayerNorm.beta"} {
			d, err := w.declare(name, false, []int{w.config.HiddenSize})
			require.NoError(t, err)
			require.Zero(t, d)
			require.Equal(t, prefix+inFile, w.used[name])
			got, err := w.Values(name, w.config.HiddenSize)
			require.NoError(t, err)
			want, err := now.Values(name, w.config.HiddenSize)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		_, err := w.declare("classifier.bias", false, []int{3})
		require.NoError(t, err)
		out, err := w.Export(nil, "")
		require.NoError(t, err)
		var names []string
		for _, o := range out {
			names = append(names, o.Name)
		}
		slices.Sort(names)
		require.Equal(t, now.file.Names(), names)
	}
}

// A head is tied as transformers ties it: by the config, but not where the file has both and they differ.
func TestTiedAsTransformers(t *testing.T) {
	const table, head = "model.embed_tokens.weight", "lm_head.weight"
	other := func(x safetensors.Tensor) safetensors.Tensor {
		x.Data = slices.Clone(x.Data)
		x.Data[0] ^= 1
		return as(x, head)
	}
	one := func(f func(x safetensors.Tensor) []safetensors.Tensor) func(safetensors.Tensor) []safetensors.Tensor {
		return func(x safetensors.Tensor) []safetensors.Tensor {
			if x.Name != table {
				return []safetensors.Tensor{x}
			}
			return f(x)
		}
	}
	const says, no = `"tie_word_embeddings": true`, `"tie_word_embeddings": false`
	for name, c := range map[string]struct {
		table  func(safetensors.Tensor) []safetensors.Tensor
		config []string
		tied   bool
	}{
		"the head left out":        {func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{x} }, nil, true},
		"both, the same":           {func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{x, as(x, head)} }, nil, true},
		"both, not the same":       {func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{x, other(x)} }, nil, false},
		"the embedding left out":   {func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{as(x, head)} }, nil, true},
		"the config says nothing":  {func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{x} }, []string{says, `"x": 1`}, true},
		"nothing, and a head":      {func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{x, as(x, head)} }, []string{says, `"x": 1`}, false},
		"the config says not tied": {func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{x, as(x, head)} }, []string{says, no}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := opened(t, variant(t, "llama_tied", one(c.table), c.config...))
			require.Equal(t, c.tied, w.config.TiedHead())
			n := w.config.Vocab * w.config.HiddenSize
			a, err := w.Values(table, n)
			require.NoError(t, err)
			b, err := w.Values(head, n)
			require.NoError(t, err)
			require.Equal(t, name != "both, not the same", slices.Equal(a, b))
		})
	}
}

// The embedding changes and stays tied: a copy of it that the file has as the head goes; the head kept apart stays as it was.
func TestExportOfTiedHead(t *testing.T) {
	const table, head = "model.embed_tokens.weight", "lm_head.weight"
	dir := variant(t, "llama_tied", func(x safetensors.Tensor) []safetensors.Tensor {
		if x.Name == table {
			return []safetensors.Tensor{x, as(x, head)}
		}
		return []safetensors.Tensor{x}
	})
	w := opened(t, dir)
	n := w.config.Vocab * w.config.HiddenSize
	old, err := w.Values(table, n)
	require.NoError(t, err)
	count := func(changed map[string][]float32) (heads int) {
		out, err := w.Export(changed, "")
		require.NoError(t, err)
		for _, o := range out {
			if o.Name == head {
				heads++
			}
		}
		return heads
	}
	changed := map[string][]float32{table: make([]float32, n)}
	require.Equal(t, 0, count(changed))
	require.NoError(t, w.Untie(changed))
	require.Equal(t, old, changed[head])
	require.Equal(t, 1, count(changed))
	require.Equal(t, 1, count(nil))
}

// A masked language model that becomes a classifier leaves its vocabulary head behind; a copy keeps it.
func TestExportWithoutOtherHeads(t *testing.T) {
	w := opened(t, filepath.Join("testdata", "bert_mlm"))
	heads := func(changed map[string][]float32) (n int) {
		out, err := w.Export(changed, "")
		require.NoError(t, err)
		for _, o := range out {
			if strings.HasPrefix(o.Name, "cls.") {
				n++
			}
		}
		return n
	}
	require.Equal(t, 5, heads(nil))
	_, err := w.declare("classifier.bias", true, []int{3})
	require.NoError(t, err)
	require.Equal(t, 0, heads(map[string][]float32{"classifier.bias": {1, 2, 3}}))
}

// A weight of integers is refused by name and type; F64 is rounded to nearest.
func TestTypesOfWeights(t *testing.T) {
	const name = "model.norm.weight"
	for dtype, want := range map[string]string{safetensors.F64: "", safetensors.I32: "unsupported dtype I32"} {
		w := opened(t, variant(t, "llama_tied", func(x safetensors.Tensor) []safetensors.Tensor {
			if x.Name == name {
				wide := map[string]int{safetensors.F64: 8, safetensors.I32: 4}[dtype]
				x.DType, x.Data = dtype, make([]byte, wide*x.Elems())
			}
			return []safetensors.Tensor{x}
		}))
		_, err := w.Values(name, w.config.HiddenSize)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, name)
	}
}
