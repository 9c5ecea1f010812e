package model

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Config is what luthier reads of a Hugging Face config.json. Absent numbers are zero; Load fills the defaults of the architecture.
type Config struct {
	ModelType         string            `json:"model_type"`
	Architectures     []string          `json:"architectures"`
	HiddenSize        int               `json:"hidden_size"`
	Layers            int               `json:"num_hidden_layers"`
	Heads             int               `json:"num_attention_heads"`
	KVHeads           int               `json:"num_key_value_heads"`
	HeadDim           int               `json:"head_dim"`
	Intermediate      int               `json:"intermediate_size"`
	Vocab             int               `json:"vocab_size"`
	MaxPositions      int               `json:"max_position_embeddings"`
	TypeVocab         int               `json:"type_vocab_size"`
	RMSNormEps        float64           `json:"rms_norm_eps"`
	LayerNormEps      float64           `json:"layer_norm_eps"`
	RopeTheta         float64           `json:"rope_theta"`
	RopeScaling       *Rope             `json:"rope_scaling"`
	RopeParameters    *Rope             `json:"rope_parameters"`
	HiddenAct         string            `json:"hidden_act"`
	Tied              *bool             `json:"tie_word_embeddings"`
	AttentionBias     bool              `json:"attention_bias"`
	MLPBias           bool              `json:"mlp_bias"`
	HiddenDropout     float64           `json:"hidden_dropout_prob"`
	HiddenDropout2    *float64          `json:"hidden_dropout"`
	AttentionDropout  *float64          `json:"attention_dropout"`
	AttentionDropout2 *float64          `json:"attention_probs_dropout_prob"`
	ClassifierDropout *float64          `json:"classifier_dropout"`
	InitializerRange  float64           `json:"initializer_range"`
	IsDecoder         bool              `json:"is_decoder"`              // of bert: tokens see those before them only
	PositionType      string            `json:"position_embedding_type"` // of bert
	PadID             *int              `json:"pad_token_id"`
	BOSID             any               `json:"bos_token_id"`
	EOSID             any               `json:"eos_token_id"`
	ID2Label          map[string]string `json:"id2label"`
	NumLabels         int               `json:"num_labels"`
	ProblemType       string            `json:"problem_type"`
	DType             string            `json:"dtype"`
	TorchDType        string            `json:"torch_dtype"`

	File string `json:"-"` // where it was read
}

// Rope is the rotary embedding's part of a config: rope_parameters since transformers 5, rope_scaling before.
type Rope struct {
	Type        string  `json:"rope_type"`
	OldType     string  `json:"type"`
	Theta       float64 `json:"rope_theta"`
	Factor      float64 `json:"factor"`
	LowFreq     float64 `json:"low_freq_factor"`
	HighFreq    float64 `json:"high_freq_factor"`
	OriginalMax int     `json:"original_max_position_embeddings"`
}

// maxDim bounds every size in a config: beyond it the file is damaged, and products of two sizes would overflow.
const maxDim = 1 << 24

// maxLayers bounds the depth: a model is built layer by layer before its first missing tensor is named.
const maxLayers = 1 << 12

// ReadConfig reads and checks dir/config.json.
func ReadConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w (a model directory holds config.json, model.safetensors and tokenizer.json)", err)
	}
	return ParseConfig(raw, path)
}

// ParseConfig is ReadConfig on the bytes of a file.
func ParseConfig(raw []byte, path string) (*Config, error) {
	c, spec, err := decode(raw, path)
	if err != nil {
		return nil, err
	}
	c.defaults()
	for _, f := range []struct {
		name string
		v    int
	}{{"hidden_size", c.HiddenSize}, {"num_hidden_layers", c.Layers}, {"num_attention_heads", c.Heads}, {"num_key_value_heads", c.KVHeads},
		{"head_dim", c.HeadDim}, {"intermediate_size", c.Intermediate}, {"vocab_size", c.Vocab}, {"max_position_embeddings", c.MaxPositions}} {
		if f.v <= 0 || f.v > maxDim {
			return nil, fmt.Errorf("%s: %s is %d, want 1 to %d", path, f.name, f.v, maxDim)
		}
	}
	if c.Layers > maxLayers {
		return nil, fmt.Errorf("%s: num_hidden_layers is %d, want 1 to %d", path, c.Layers, maxLayers)
	}
	if c.Heads%c.KVHeads != 0 {
		return nil, fmt.Errorf("%s: num_attention_heads %d is no multiple of num_key_value_heads %d", path, c.Heads, c.KVHeads)
	}
	if c.HiddenSize%4 != 0 || c.HeadDim%2 != 0 {
		return nil, fmt.Errorf("%s: hidden_size %d must be a multiple of 4 and head_dim %d of 2", path, c.HiddenSize, c.HeadDim)
	}
	if _, err := c.Act(); err != nil {
		return nil, err
	}
	if spec.Check != nil {
		if err := spec.Check(c); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return c, nil
}

// decode reads the JSON over the architecture's defaults, so that what is absent or null keeps them.
func decode(raw []byte, path string) (*Config, Spec, error) {
	var kind struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return nil, Spec{}, fmt.Errorf("%s: %w: fetch the file again", path, err)
	}
	if kind.ModelType == "" {
		return nil, Spec{}, fmt.Errorf("%s: no model_type: is this a transformers model?", path)
	}
	spec, ok := specs[kind.ModelType]
	if !ok {
		return nil, Spec{}, fmt.Errorf("%s: model_type %q is not supported; luthier has %s", path, kind.ModelType, strings.Join(Types(), ", "))
	}
	c := &Config{File: path}
	if spec.Defaults != nil {
		spec.Defaults(c)
	}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, Spec{}, fmt.Errorf("%s: %w: fetch the file again", path, err)
	}
	return c, spec, nil
}

func (c *Config) defaults() {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.HiddenSize / c.Heads
	}
	if c.InitializerRange == 0 {
		c.InitializerRange = 0.02
	}
	if c.RMSNormEps == 0 {
		c.RMSNormEps = 1e-6
	}
	if c.LayerNormEps == 0 {
		c.LayerNormEps = 1e-12
	}
	if c.TypeVocab == 0 {
		c.TypeVocab = 2
	}
}

// Labels lists the class names in order, nil where the config names none.
func (c *Config) Labels() []string {
	out := make([]string, len(c.ID2Label))
	keys := make([]string, 0, len(out))
	for k := range c.ID2Label {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		i, err := strconv.Atoi(k)
		if err != nil || i < 0 || i >= len(out) {
			return nil
		}
		out[i] = c.ID2Label[k]
	}
	return out
}

// TiedHead tells whether the vocabulary head is the embedding itself; where the config does not say, OpenWeights finds out.
func (c *Config) TiedHead() bool { return c.Tied == nil || *c.Tied }

// AttentionDrop is the probability of dropping attention weights in training.
func (c *Config) AttentionDrop() float64 {
	for _, p := range []*float64{c.AttentionDropout, c.AttentionDropout2} {
		if p != nil {
			return *p
		}
	}
	return 0
}

// IDs reads a token id field that may be one number or several.
func IDs(v any) []int32 {
	switch v := v.(type) {
	case float64:
		return []int32{int32(v)}
	case []any:
		var out []int32
		for _, x := range v {
			out = append(out, IDs(x)...)
		}
		return out
	}
	return nil
}
