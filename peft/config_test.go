package peft

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"luthier/graph"
	"luthier/model"
)

func parse(config string) (*LoRA, error) {
	m, err := ParseConfig([]byte(config), "adapter_config.json")
	if err != nil {
		return nil, err
	}
	return m.(*LoRA), nil
}

// Which modules a config chooses, by the rules of PEFT's check_target_module_exists and modules_to_save.
func TestTargetsAsPEFT(t *testing.T) {
	const q0, q1, k0, up1 = "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj", "model.layers.0.self_attn.k_proj", "model.layers.1.mlp.up_proj"
	const bq0, bq1, pool = "bert.encoder.layer.0.attention.self.query", "bert.encoder.layer.1.attention.self.query", "bert.pooler.dense"
	for name, c := range map[string]struct {
		config    string
		yes, no   []string
		savedToo  []string
		unrelated []string
	}{
		"names":                 {`"target_modules": ["q_proj"]`, []string{q0, q1}, []string{k0, "model.xq_proj"}, nil, nil},
		"a whole path":          {`"target_modules": ["model.layers.0.self_attn.q_proj"]`, []string{q0}, []string{q1}, nil, nil},
		"an expression":         {`"target_modules": ".*layers\\.1\\.(self_attn\\.(q|v)_proj|mlp\\.up_proj)"`, []string{q1, up1}, []string{q0, k0}, nil, nil},
		"not only its start":    {`"target_modules": ".*q_pro"`, nil, []string{q0}, nil, nil},
		"lookahead":             {`"target_modules": "(?!.*k_proj)(?P<a>.*self_attn\\.\\w_proj)"`, []string{q0, q1}, []string{k0, up1}, nil, nil},
		"a group again":         {`"target_modules": ".*(?P<n>\\d)\\.self_attn.*|(?P<m>x)y(?P=m)"`, []string{q0, k0, "xyx"}, []string{up1, "xyz"}, nil, nil},
		"excluded names":        {`"target_modules": ["q_proj", "k_proj"], "exclude_modules": ["layers.0.self_attn.q_proj"]`, []string{q1, k0}, []string{q0}, nil, nil},
		"excluded by expr":      {`"target_modules": "all-linear", "exclude_modules": ".*\\.0\\..*"`, []string{q1, up1}, []string{q0, k0}, nil, nil},
		"layers":                {`"target_modules": ["q_proj", "query", "dense"], "layers_to_transform": [1]`, []string{q1, bq1}, []string{q0, bq0, pool}, nil, nil},
		"one layer":             {`"target_modules": ["query"], "layers_to_transform": 0`, []string{bq0}, []string{bq1}, nil, nil},
		"a path beside layers":  {`"target_modules": ["q_proj", "bert.pooler.dense"], "layers_to_transform": [1]`, []string{q1, pool}, []string{q0}, nil, nil},
		"layers by name":        {`"target_modules": ["q_proj", "query"], "layers_to_transform": [1], "layers_pattern": "layers"`, []string{q1}, []string{q0, bq1}, nil, nil},
		"layers by names":       {`"target_modules": ["q_proj", "query"], "layers_to_transform": [1], "layers_pattern": ["h", "layer"]`, []string{bq1}, []string{q1, bq0}, nil, nil},
		"saved modules":         {`"target_modules": "all-linear", "modules_to_save": ["layers.0.self_attn"]`, []string{q1, up1}, nil, []string{q0, k0}, nil},
		"saved by a word's end": {`"target_modules": ["q_proj"], "modules_to_save": ["norm"]`, []string{q0}, nil, []string{"model.norm", "model.layers.0.input_layernorm"}, []string{up1}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := parse(`{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", ` + c.config + `}`)
			require.NoError(t, err)
			for _, p := range c.yes {
				require.True(t, l.hits(p), p)
			}
			for _, p := range append(append([]string{}, c.no...), c.savedToo...) {
				require.False(t, l.hits(p), p)
			}
			for _, p := range c.savedToo {
				require.True(t, l.Trains(p+".weight"), p)
			}
			for _, p := range append(append([]string{}, c.yes...), c.unrelated...) {
				require.False(t, l.Trains(p+".weight"), p)
			}
		})
	}
}

// What a config may not say, each with the word that names it.
func TestConfigsRefused(t *testing.T) {
	for config, want := range map[string]string{
		`"use_dora": true`:                                         "use_dora",
		`"lora_bias": true`:                                        "lora_bias",
		`"trainable_token_indices": [1, 2]`:                        "trainable_token_indices",
		`"layer_replication": [[0, 1]]`:                            "layer_replication",
		`"a_key_of_next_year": {"x": 1}`:                           "a_key_of_next_year",
		`"init_lora_weights": "pissa_niter_4"`:                     "pissa_niter_4",
		`"init_lora_weights": "olora"`:                             "olora",
		`"target_modules": "x(", "r": 4`:                           "x(",
		`"exclude_modules": 3`:                                     "exclude_modules",
		`"exclude_modules": "all-linear"`:                          "exclude_modules",
		`"rank_pattern": {"q(": 3}`:                                "q(",
		`"rank_pattern": {"q": 0}`:                                 "rank_pattern q=0",
		`"alpha_pattern": {"q": -1}`:                               "alpha_pattern q=-1",
		`"layers_to_transform": "x"`:                               "layers_to_transform",
		`"layers_to_transform": [0.5]`:                             "layers_to_transform",
		`"layers_pattern": "layers"`:                               "wants layers_to_transform",
		`"layers_to_transform": [1], "target_modules": ".*q_proj"`: "go with a list",
		`"layers_to_transform": [1], "layers_pattern": "layers("`:  "layers(",
		`"bias": "some"`:                                           "some",
		`"r": 0`:                                                   "rank of at least 1",
	} {
		_, err := parse(`{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", "target_modules": ["q_proj"], ` + config + `}`)
		require.ErrorContains(t, err, want, config)
	}
	_, err := parse(`{"peft_type": null}`)
	require.ErrorContains(t, err, "peft_type (none)")
}

// Every key that PEFT writes at its neutral value, and those that only say where an adapter came from.
func TestConfigKeysPassedOver(t *testing.T) {
	_, err := parse(`{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", "target_modules": ["q_proj"], "auto_mapping": null, "arrow_config": null,
		"kasa_config": null, "lora_bias": false, "megatron_core": "megatron.core", "peft_version": "0.21.2", "qalora_group_size": 16, "loftq_config": { },
		"eva_config": {"rho": 2.0}, "init_lora_weights": "eva", "fan_in_fan_out": true, "a_key_of_next_year": [ ]}`)
	require.NoError(t, err)
}

// An expression that backtracks without end costs one second, not one a module, and fails the build by its name: what it leaves out is not
// known.
func TestHostileExpression(t *testing.T) {
	dir := filepath.Join("..", "model", "testdata", "llama_tied")
	for key, want := range map[string]string{
		`"target_modules": "(.+)+x"`:                                           `target_modules or exclude_modules "(.+)+x": given up at model.layers.0.self_attn.q_proj after 1s`,
		`"target_modules": ["q_proj", "k_proj"], "exclude_modules": "(.+)+x"`:  `target_modules or exclude_modules "(.+)+x": given up`,
		`"target_modules": ["q_proj"], "alpha_pattern": {"(.+)+x": 3, "q": 2}`: `rank_pattern or alpha_pattern "(.+)+x": given up`,
	} {
		l, err := parse(`{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", ` + key + `}`)
		require.NoError(t, err)
		c, err := model.ReadConfig(dir)
		require.NoError(t, err)
		require.NoError(t, l.Setup(c, model.CausalLM))
		w, err := model.OpenWeights(dir, c)
		require.NoError(t, err)
		defer w.Close()
		began := time.Now()
		for range 2 {
			_, err = model.NewBuilder(graph.New(), c, w, l, 1, 4).Loss(model.CausalLM, 0, 0)
			require.ErrorContains(t, err, want)
		}
		require.Less(t, time.Since(began), 3*patience)
	}
}

// Flags reach the file under PEFT's keys, with its types.
func TestFlagsInConfig(t *testing.T) {
	cfg, err := model.ReadConfig(filepath.Join("..", "model", "testdata", "llama_tied"))
	require.NoError(t, err)
	m := methodOf(t, "lora", "--target-modules", "q_proj,v_proj", "--exclude-modules", "re:.*0.*", "--layers-to-transform", "0,1", "--alpha-pattern",
		"q_proj=3.5", "--rank-pattern", "v_proj=2", "--init-lora-weights", "gaussian", "--modules-to-save", "embed_tokens", "--ensure-weight-tying")
	require.NoError(t, m.Setup(cfg, model.CausalLM))
	dir := t.TempDir()
	require.NoError(t, Save(dir, m, "base", nil))
	raw, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(raw, &got))
	for k, want := range map[string]any{"target_modules": []any{"q_proj", "v_proj"}, "exclude_modules": ".*0.*", "layers_to_transform": []any{0.0, 1.0},
		"alpha_pattern": map[string]any{"q_proj": 3.5}, "rank_pattern": map[string]any{"v_proj": 2.0}, "init_lora_weights": "gaussian",
		"modules_to_save": []any{"embed_tokens"}, "ensure_weight_tying": true, "task_type": "CAUSAL_LM", "base_model_name_or_path": "base"} {
		require.Equal(t, want, got[k], k)
	}
	for flags, want := range map[[2]string]string{{"--init-lora-weights", "pissa"}: "init-lora-weights", {"--target-modules", "re:("}: "target_modules", {"--exclude-modules", "re:("}: "exclude_modules"} {
		require.ErrorContains(t, methodOf(t, "lora", flags[0], flags[1]).Setup(cfg, model.CausalLM), want)
	}
	m = methodOf(t, "lora", "--target-modules", "embed_tokens", "--ensure-weight-tying")
	require.ErrorContains(t, m.Setup(cfg, model.CausalLM), "vocabulary head")
}
