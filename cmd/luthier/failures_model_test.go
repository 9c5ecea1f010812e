package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// withModel is refusedRun with another model.
func withModel(dir string) string { return "train --data rows.tsv --out out --model " + dir }

// onAdapter is an evaluation with another adapter.
func onAdapter(dir string) string { return "eval --model bert --data rows.tsv --adapter " + dir }

var modelFailures = []failure{
	{"no model directory", withModel("nowhere"), 3, []string{"nowhere/config.json", "model directory"}},
	{"no config.json", withModel("empty"), 3, []string{"empty/config.json", "model directory"}},
	{"config.json that is no JSON", withModel("badjson"), 3, []string{"badjson/config.json"}},
	{"an unknown model_type", withModel("gpt9"), 3, []string{"gpt9/config.json", `"gpt9"`, "bert, llama"}},
	{"the config of another model_type", withModel("posing"), 3, []string{"posing", "model_type llama", "do not belong together"}},
	{"a config of impossible sizes", withModel("sizes"), 3, []string{"sizes/config.json", "hidden_size"}},
	{"a model of several labels a text", withModel("multi"), 3, []string{"multi/config.json", "problem_type multi_label_classification", "not supported"}},
	{"a model whose attention depends on distances", withModel("relative"), 3, []string{"relative/config.json", `position_embedding_type "relative_key"`, "not supported"}},

	{"a safetensors file cut in its data", withModel("truncated"), 3, []string{"truncated/model.safetensors", "download is incomplete", "fetch the file again"}},
	{"a safetensors file cut in its header", withModel("cut"), 3, []string{"cut/model.safetensors", "download is incomplete", "fetch the file again"}},
	{"a safetensors file of a few bytes", withModel("stub"), 3, []string{"stub/model.safetensors", "too few"}},
	{"a safetensors header longer than the format allows", withModel("overlong"), 3, []string{"overlong/model.safetensors", "over the format's limit"}},
	{"a safetensors header whose tensor is larger than its data", withModel("lying"), 3, []string{"lying/model.safetensors", `tensor "bert.`, "data_offsets span"}},
	{"a safetensors header that claims a terabyte", withModel("claiming"), 3, []string{"claiming/model.safetensors", "download is incomplete: want 1099511"}},
	{"a safetensors header whose tensors overlap", withModel("overlapping"), 3, []string{"overlapping/model.safetensors", "its data begins at", "save the model again"}},
	{"a safetensors header with bytes that nobody has", withModel("holed"), 3, []string{"holed/model.safetensors", "follow the last tensor"}},
	{"a tensor of an unknown dtype", withModel("strange"), 3, []string{"strange/model.safetensors", `dtype "BF61" is unknown`}},
	{"a tensor of a dtype that is no weight's", withModel("whole"), 3, []string{"whole/model.safetensors", `tensor "bert.`, "unsupported dtype I16", "save the model again as BF16 or F32"}},
	{"a Git LFS pointer", withModel("pointer"), 3, []string{"pointer/model.safetensors", "git lfs pull"}},
	{"a model that is a pickle", withModel("pickle"), 3, []string{"pytorch_model.bin", "convert it once"}},
	{"a missing shard", withModel("shards"), 3, []string{"shards/model.safetensors.index.json", "1 of 2 shards are missing: model-00002-of-00002.safetensors"}},
	{"a missing tensor", withModel("missing"), 3, []string{"encoder.layer.2.", "missing"}},
	{"a misshapen tensor", withModel("misshapen"), 3, []string{"intermediate.dense.weight", "misshapen"}},

	{"no tokenizer", withModel("mute"), 3, []string{"mute", "tokenizer.json"}},
	{"tokenizer.json that is no JSON", withModel("garbled"), 3, []string{"garbled/tokenizer.json"}},
	{"a tokenizer with more ids than the embedding has rows", withModel("narrow"), 3, []string{"narrow", "the tokenizer has ids up to ", "vocab_size is 200", "do not belong together"}},
	{"a tokenizer with more token types than the model", withModel("many-typed"), 3, []string{"many-typed", "the type 3", "type_vocab_size is 2", "do not belong together"}},
	{"pairs of texts for a model of single ones", "train --model one-typed --data pairs.tsv --out out", 3, []string{"pairs.tsv:2", "type_vocab_size of one-typed is 1", "join the two"}},
	{"an embedding of other rows than vocab_size", withModel("wordy"), 3, []string{"wordy", "word_embeddings.weight", "[300 16]", "[400 16]"}},

	{"an adapter that is none", onAdapter("empty"), 3, []string{"empty", "adapter_config.json"}},
	{"an adapter cut short", onAdapter("halved"), 3, []string{"halved/adapter_model.safetensors", "download is incomplete"}},
	{"an adapter of another model", "eval --model llama --data rows.tsv --adapter adapter", 3, []string{"adapter"}},
	{"an adapter with a NaN", onAdapter("nans"), 3, []string{"nans/adapter_model.safetensors", "classifier.weight", "element 31"}},
	{"a NaN in the model, in eval", "eval --model nan --data rows.tsv --adapter adapter", 6, []string{"evaluation loss", "fetch the files again"}},
	{"a NaN in the model, in predict", "predict --model nan --data rows.tsv --adapter adapter", 6, []string{"the logit of line", "fetch the files again"}},
	{"a NaN in the model, in merge", "merge --model nan --adapter adapter --out out", 6, []string{"out", `tensor "bert.pooler.dense.weight"`, "element 255"}},
	{"a head that was never trained", "predict --model bert --data rows.tsv", 3, []string{"bert", "give --adapter"}},
}

// modelFiles fills the current directory with the models of the failures, each a copy of bert with one fault.
func modelFiles(t *testing.T) {
	t.Helper()
	from := tinyModel(t, "bert")
	require.NoError(t, os.CopyFS("llama", os.DirFS(tinyModel(t, "llama"))))
	for name, change := range map[string]map[string]any{"bert": {}, "gpt9": {"model_type": "gpt9"}, "posing": {"model_type": "llama", "hidden_act": "silu"}, "sizes": {"hidden_size": -16},
		"missing": {"num_hidden_layers": 3}, "misshapen": {"intermediate_size": 64}, "narrow": {"vocab_size": 200}, "wordy": {"vocab_size": 400},
		"relative": {"position_embedding_type": "relative_key"}, "one-typed": {"type_vocab_size": 1}, "many-typed": {},
		"multi": {"problem_type": "multi_label_classification", "architectures": []string{"BertForSequenceClassification"}}} {
		require.NoError(t, os.CopyFS(name, os.DirFS(from)))
		editJSON(t, filepath.Join(name, "config.json"), change)
	}
	editJSON(t, "many-typed/tokenizer.json", map[string]any{"post_processor": map[string]any{"type": "TemplateProcessing", "special_tokens": map[string]any{},
		"single": []any{map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 3}}}, "pair": []any{}}})
	require.NoError(t, os.WriteFile("pairs.tsv", []byte("sentence1\tsentence2\tlabel\ngood\twood\tyes\nbad\twood\tno\n"), 0o644))
	for name, spoil := range map[string]func(raw []byte) []byte{
		"truncated":   func(raw []byte) []byte { return raw[:len(raw)-100] },
		"cut":         func(raw []byte) []byte { return raw[:200] },
		"stub":        func(raw []byte) []byte { return raw[:5] },
		"overlong":    func(raw []byte) []byte { return append(binary.LittleEndian.AppendUint64(nil, 1<<40), raw[8:]...) },
		"lying":       func(raw []byte) []byte { return header(t, raw, `"shape":[16]`, `"shape":[99]`) },
		"claiming":    func(raw []byte) []byte { return entries(t, raw, claim) },
		"overlapping": func(raw []byte) []byte { return entries(t, raw, overlap) },
		"holed":       func(raw []byte) []byte { return append(raw, 1, 2, 3) },
		"strange":     func(raw []byte) []byte { return header(t, raw, `"BF16"`, `"BF61"`) },
		"whole":       func(raw []byte) []byte { return header(t, raw, `"BF16"`, `"I16"`) },
		"pointer": func([]byte) []byte {
			return []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
		},
		"nan": func(raw []byte) []byte { return append(raw[:len(raw)-2], 0xc0, 0x7f) }, // the last bf16 number
	} {
		require.NoError(t, os.CopyFS(name, os.DirFS(from)))
		rewrite(t, filepath.Join(name, "model.safetensors"), spoil)
	}
	for _, name := range []string{"badjson", "mute", "garbled", "pickle", "shards"} {
		require.NoError(t, os.CopyFS(name, os.DirFS(from)))
	}
	half := func(raw []byte) []byte { return raw[:len(raw)/2] }
	rewrite(t, "badjson/config.json", half)
	rewrite(t, "garbled/tokenizer.json", half)
	require.NoError(t, os.Remove("mute/tokenizer.json"))
	require.NoError(t, os.Rename("pickle/model.safetensors", "pickle/pytorch_model.bin"))
	require.NoError(t, os.Rename("shards/model.safetensors", "shards/model-00001-of-00002.safetensors"))
	require.NoError(t, os.WriteFile("shards/model.safetensors.index.json", []byte(`{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`), 0o644))
}

// adapterFiles spoils copies of the adapter that a run wrote.
func adapterFiles(t *testing.T) {
	t.Helper()
	require.NoError(t, os.CopyFS("halved", os.DirFS("adapter")))
	require.NoError(t, os.CopyFS("nans", os.DirFS("adapter")))
	rewrite(t, "nans/adapter_model.safetensors", func(raw []byte) []byte { return append(raw[:len(raw)-2], 0xc0, 0x7f) })
	rewrite(t, "halved/adapter_model.safetensors", func(raw []byte) []byte { return raw[:len(raw)-9] })
}

// rewrite replaces a file by what spoil makes of it.
func rewrite(t *testing.T, path string, spoil func(raw []byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, spoil(raw), 0o644))
}

// header replaces a text in the header of a safetensors file, the first time it is there, and keeps the data.
func header(t *testing.T, raw []byte, old, with string) []byte {
	t.Helper()
	n := int(binary.LittleEndian.Uint64(raw))
	text := bytes.Replace(raw[8:8+n], []byte(old), []byte(with), 1)
	require.NotEqual(t, raw[8:8+n], text, "the header has no %s", old)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(out, text...), raw[8+n:]...)
}

// tensorEntry is a tensor in the header of a safetensors file.
type tensorEntry struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// entries changes the tensors in the header of a safetensors file, which it is given in the order of their data.
func entries(t *testing.T, raw []byte, change func([]*tensorEntry)) []byte {
	t.Helper()
	n := int(binary.LittleEndian.Uint64(raw))
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw[8:8+n], &all))
	byName, sorted := map[string]*tensorEntry{}, []*tensorEntry(nil)
	for name, text := range all {
		if name != "__metadata__" {
			byName[name] = &tensorEntry{}
			require.NoError(t, json.Unmarshal(text, byName[name]))
			sorted = append(sorted, byName[name])
		}
	}
	slices.SortFunc(sorted, func(a, b *tensorEntry) int { return a.Offsets[0] - b.Offsets[0] })
	change(sorted)
	text, err := json.Marshal(byName)
	require.NoError(t, err)
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), raw[8+n:]...)
}

// claim gives the last tensor a terabyte.
func claim(all []*tensorEntry) {
	last := all[len(all)-1]
	last.Shape, last.Offsets[1] = []int{1 << 39}, last.Offsets[0]+1<<40
}

// overlap gives the second tensor the data of the first.
func overlap(all []*tensorEntry) { *all[1] = *all[0] }
