package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"luthier/model"
	"luthier/model/safetensors"
)

// preset is a model's shapes, with weights or without.
type preset struct {
	name          string
	dir           string         // of a model with weights
	config        map[string]any // of one without
	task          model.Task
	batch, length int
	shapes        []layerShape
}

// presets are the models to measure.
func (o *benchOptions) presets() ([]preset, error) {
	minilm := preset{name: "minilm-l6", task: model.Classify, batch: 32, length: 64, config: map[string]any{"model_type": "bert", "hidden_size": 384,
		"num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536, "vocab_size": 30522, "max_position_embeddings": 512,
		"hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}}
	smol := preset{name: "smollm2-135m", task: model.CausalLM, batch: 4, length: 128, config: map[string]any{"model_type": "llama", "hidden_size": 576,
		"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536, "vocab_size": 49152,
		"max_position_embeddings": 8192, "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 100000, "tie_word_embeddings": true}}
	var out []preset
	switch o.model {
	case "":
		out = []preset{minilm, smol}
	case minilm.name:
		out = []preset{minilm}
	case smol.name:
		out = []preset{smol}
	default:
		out = []preset{{name: o.model, dir: o.model, task: model.CausalLM, batch: 4, length: 128}}
	}
	for i := range out {
		if err := out[i].fill(o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fill sets sizes and lists the linear layers.
func (p *preset) fill(o *benchOptions) error {
	if o.batch > 0 {
		p.batch = o.batch
	}
	if o.length > 0 {
		p.length = o.length
	}
	if o.layers > 0 && p.config != nil {
		p.config["num_hidden_layers"] = o.layers
	}
	c, err := p.parse()
	if err != nil {
		return badData(err)
	}
	if o.layers > 0 {
		c.Layers = min(c.Layers, o.layers)
	}
	if spec, _ := model.SpecOf(c.ModelType); !spec.Decoder {
		p.task = model.Classify
	}
	d, f, kv, q := c.HiddenSize, c.Intermediate, c.KVHeads*c.HeadDim, c.Heads*c.HeadDim
	p.shapes = []layerShape{{"query, output", d, q, 2 * c.Layers}, {"key, value", d, kv, 2 * c.Layers}, {"up", d, f, c.Layers}, {"down", f, d, c.Layers}}
	if kv == q {
		p.shapes = []layerShape{{"attention", d, q, 4 * c.Layers}, {"up", d, f, c.Layers}, {"down", f, d, c.Layers}}
	}
	if c.ModelType == "llama" {
		p.shapes[len(p.shapes)-2].name, p.shapes[len(p.shapes)-2].times = "gate, up", 2*c.Layers
	}
	return nil
}

func (p *preset) parse() (*model.Config, error) {
	if p.dir != "" {
		return model.ReadConfig(p.dir)
	}
	raw, err := json.Marshal(p.config)
	if err != nil {
		return nil, err
	}
	return model.ParseConfig(raw, p.name)
}

// write makes a model directory with random bf16 weights of the preset's shapes.
func (p *preset) write(dir string) error {
	raw, err := json.Marshal(p.config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o644); err != nil {
		return err
	}
	c, err := p.parse()
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(7, 7))
	var out []safetensors.Out
	for _, t := range tensorsOf(c) {
		n := 1
		for _, d := range t.shape {
			n *= d
		}
		raw := make([]byte, 2*n)
		for i := range n {
			x := float32(0.04) * (r.Float32() - 0.5)
			switch {
			case strings.HasSuffix(t.name, ".bias"):
				x = 0
			case len(t.shape) == 1: // norms
				x = 1
			}
			binary.LittleEndian.PutUint16(raw[2*i:], safetensors.BF16FromFloat32(x))
		}
		out = append(out, safetensors.Out{Name: t.name, DType: safetensors.BF16, Shape: t.shape, Data: raw})
	}
	return safetensors.WriteModel(dir, out, 0)
}

type namedShape struct {
	name  string
	shape []int
}

// tensorsOf lists the weights of the two architectures that bench knows.
func tensorsOf(c *model.Config) []namedShape {
	d, f := c.HiddenSize, c.Intermediate
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	var out []namedShape
	add := func(name string, shape ...int) { out = append(out, namedShape{name, shape}) }
	if c.ModelType == "llama" {
		add("model.embed_tokens.weight", c.Vocab, d)
		add("model.norm.weight", d)
		for i := range c.Layers {
			l := fmt.Sprintf("model.layers.%d.", i)
			add(l+"input_layernorm.weight", d)
			add(l+"post_attention_layernorm.weight", d)
			add(l+"self_attn.q_proj.weight", q, d)
			add(l+"self_attn.k_proj.weight", kv, d)
			add(l+"self_attn.v_proj.weight", kv, d)
			add(l+"self_attn.o_proj.weight", d, q)
			add(l+"mlp.gate_proj.weight", f, d)
			add(l+"mlp.up_proj.weight", f, d)
			add(l+"mlp.down_proj.weight", d, f)
		}
		return out
	}
	dense := func(name string, o, i int) { add(name+".weight", o, i); add(name+".bias", o) }
	norm := func(name string) { add(name+".weight", d); add(name+".bias", d) }
	e := "bert.embeddings."
	add(e+"word_embeddings.weight", c.Vocab, d)
	add(e+"position_embeddings.weight", c.MaxPositions, d)
	add(e+"token_type_embeddings.weight", c.TypeVocab, d)
	norm(e + "LayerNorm")
	dense("bert.pooler.dense", d, d)
	for i := range c.Layers {
		l := fmt.Sprintf("bert.encoder.layer.%d.", i)
		for _, n := range []string{"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"} {
			dense(l+n, d, d)
		}
		norm(l + "attention.output.LayerNorm")
		dense(l+"intermediate.dense", f, d)
		dense(l+"output.dense", d, f)
		norm(l + "output.LayerNorm")
	}
	return out
}
