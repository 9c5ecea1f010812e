package peft

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/graph"
	"luthier/internal/golden"
	"luthier/model"
	"luthier/model/safetensors"
)

// TestLeavesOfKeys holds keys as PEFT writes them to the weights that they are.
func TestLeavesOfKeys(t *testing.T) {
	for key, want := range map[string]Tensor{
		"base_model.model.a.q.lora_A.weight":                        {Name: "base_model.model.a.q.lora_A.weight"},
		"base_model.model.a.q.base_layer.bias":                      {Name: "a.q.bias"},
		"base_model.model.a.norm.bias":                              {Name: "a.norm.bias"},
		"base_model.model.embed.base_layer.weight":                  {Name: "embed.weight", Base: true},
		"base_model.model.classifier.weight":                        {Name: "classifier.weight"},
		"base_model.model.classifier.modules_to_save.weight":        {Name: "classifier.weight"},
		"base_model.model.score.modules_to_save.default.weight":     {Name: "score.weight"},
		"base_model.model.bert.pooler.dense.modules_to_save.weight": {Name: "bert.pooler.dense.weight"},
	} {
		leaf, base, ok := leafOf(key)
		require.True(t, ok)
		require.Equal(t, want, Tensor{Name: leaf, Base: base}, key)
	}
	_, _, ok := leafOf("model.q.lora_A.weight")
	require.False(t, ok)
}

// With bias all PEFT writes a saved bias three times over, and the module's own twice.
func TestKeysThatPEFTWritesAgain(t *testing.T) {
	dir := t.TempDir()
	var out []safetensors.Out
	for i, key := range []string{"classifier.bias", "classifier.modules_to_save.bias", "classifier.original_module.bias", "cls.predictions.bias",
		"cls.predictions.decoder.bias"} {
		out = append(out, safetensors.FromFloat32(prefix+key, safetensors.F32, []int{1}, []float32{float32(i)}))
	}
	write := func(out []safetensors.Out) {
		f, err := os.Create(filepath.Join(dir, WeightsFile))
		require.NoError(t, err)
		require.NoError(t, safetensors.Write(f, out, nil))
		require.NoError(t, f.Close())
	}
	write(out)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ConfigFile), []byte(`{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "all"}`), 0o600))
	_, ts, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, []Tensor{{"classifier.bias", []int{1}, []float32{0}, false}, {"cls.predictions.bias", []int{1}, []float32{3}, false}}, ts)

	write(append(out, safetensors.FromFloat32(prefix+"classifier.base_layer.bias", safetensors.F32, []int{1}, []float32{9})))
	_, _, err = Load(dir)
	require.ErrorContains(t, err, "two tensors are classifier.bias")
}

// The bias of a module with an addition has the name by which PEFT finds it.
func TestBiasKeys(t *testing.T) {
	base := filepath.Join("..", "model", "testdata", "bert_seqcls")
	m := methodOf(t, "lora", "--lora-bias", "all")
	r := newRun(t, base, golden.Open(t, base), m, model.Classify, 3).build(refDevice())
	dir := t.TempDir()
	require.NoError(t, Save(dir, m, "base", random(t, r)))
	f, err := safetensors.Open(filepath.Join(dir, WeightsFile))
	require.NoError(t, err)
	defer f.Close()
	for _, name := range []string{"bert.encoder.layer.0.attention.self.query.base_layer.bias", "bert.encoder.layer.0.attention.self.key.bias", "classifier.bias"} {
		_, ok := f.Tensor(prefix + name)
		require.True(t, ok, name)
	}
}

// A pooler that the checkpoint lacks is trained and kept: the adapter means the same whatever the seed of who loads it.
func TestMissingPoolerIsKept(t *testing.T) {
	from, base := filepath.Join("..", "model", "testdata", "bert_seqcls"), t.TempDir()
	raw, err := os.ReadFile(filepath.Join(from, "config.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(base, "config.json"), raw, 0o600))
	f, err := safetensors.OpenModel(from)
	require.NoError(t, err)
	defer f.Close()
	var out []safetensors.Out
	for _, name := range f.Names() {
		if x, _ := f.Tensor(name); name != "bert.pooler.dense.weight" && name != "bert.pooler.dense.bias" {
			out = append(out, safetensors.Copy(x))
		}
	}
	require.NoError(t, safetensors.WriteModel(base, out, 0))
	gold := golden.Open(t, from)
	m := methodOf(t, "lora", "--target-modules", "all-linear")
	r := newRun(t, base, gold, m, model.Classify, 3)
	KeepHead(m, r.cfg, r.w, model.Classify)
	r.w.Seed = 5
	r.build(refDevice())
	require.Contains(t, m.Matched(), "bert.pooler.dense")
	ts := random(t, r)
	want := r.give(ts).logits(refDevice())
	dir := t.TempDir()
	require.NoError(t, Save(dir, m, "base", ts))
	loaded, back, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, want, newRun(t, base, gold, loaded, model.Classify, 3).give(back).logits(refDevice()))
	raw, err = os.ReadFile(filepath.Join(dir, ConfigFile))
	require.NoError(t, err)
	var got LoRAConfig
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Contains(t, got.Save, "bert.pooler.dense")
}

// Weights of another rank than the settings say, or that lie the other way round, fail the build: a merge would scale them wrongly.
func TestShapesAgainstSettings(t *testing.T) {
	base := filepath.Join("..", "model", "testdata", "llama_tied")
	for change, want := range map[string]string{
		"":                              "",
		`"r": 5`:                        "want [5 ",
		`"r": 1000000000`:               "want [1000000000 ",
		`"rank_pattern": {"v_proj": 3}`: "v_proj.lora_A.weight: given with shape",
		"transposed":                    "q_proj.lora_A.weight: given with shape",
	} {
		m, ts, err := Load(filepath.Join(base, "lora"))
		require.NoError(t, err)
		if change == "transposed" {
			for i := range ts {
				if strings.HasSuffix(ts[i].Name, "q_proj.lora_A.weight") {
					ts[i].Shape = []int{ts[i].Shape[1], ts[i].Shape[0]}
				}
			}
		} else {
			require.NoError(t, json.Unmarshal([]byte("{"+change+"}"), m.Config()))
		}
		c, err := model.ReadConfig(base)
		require.NoError(t, err)
		require.NoError(t, m.Setup(c, model.CausalLM))
		w, err := model.OpenWeights(base, c)
		require.NoError(t, err)
		defer w.Close()
		for _, x := range ts {
			w.Give(x.Name, x.Values, x.Shape...)
		}
		_, err = model.NewBuilder(graph.New(), c, w, m, 1, 4).Loss(model.CausalLM, 0, 0)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "do not belong together")
	}
}
