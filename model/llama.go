package model

import (
	"luthier/backend"
	"luthier/graph"
)

// Llama: pre-norm decoder with RMSNorm, rotary positions, grouped queries and SwiGLU (Touvron et al. 2023).
var _ = register(Spec{
	Type:   "llama",
	Prefix: "model.",
	Classes: map[Task]string{CausalLM: "LlamaForCausalLM", Classify: "LlamaForSequenceClassification", Regress: "LlamaForSequenceClassification",
		TokenClassify: "LlamaForTokenClassification"},
	Targets: []string{"q_proj", "v_proj"},
	Heads:   []string{"score"},
	Check: func(c *Config) error {
		return c.checkRope()
	},
	Hidden:  llamaHidden,
	Vocab:   llamaVocab,
	Labels:  llamaLabels,
	Tokens:  llamaTokens,
	Decoder: true,
	Table:   "model.embed_tokens.weight", HeadWeight: "lm_head.weight",
})

func llamaHidden(b *Builder) *graph.Node {
	c := b.Config
	x := b.Embed("model.embed_tokens", "input_ids", b.ids(), c.Vocab, c.HiddenSize)
	x = b.layers("model.layers", c.Layers, x, func(path string, x *graph.Node) *graph.Node {
		h := b.RMSNorm(path+".input_layernorm", x)
		x = b.Residual(path+".self_attn", x, llamaAttention(b, path+".self_attn", h))
		h = b.RMSNorm(path+".post_attention_layernorm", x)
		return b.Residual(path+".mlp", x, llamaMLP(b, path+".mlp", h))
	})
	return b.RMSNorm("model.norm", x)
}

func llamaAttention(b *Builder, path string, x *graph.Node) *graph.Node {
	c := b.Config
	q := b.Linear(path+".q_proj", x, c.HiddenSize, c.Heads*c.HeadDim, c.AttentionBias)
	k := b.Linear(path+".k_proj", x, c.HiddenSize, c.KVHeads*c.HeadDim, c.AttentionBias)
	v := b.Linear(path+".v_proj", x, c.HiddenSize, c.KVHeads*c.HeadDim, c.AttentionBias)
	table := b.ropeTable()
	q = graph.Rope(q, b.positions(), table, c.Heads)
	k = graph.Rope(k, b.positions(), table, c.KVHeads)
	y := b.attend(path, q, k, v, true)
	return b.Linear(path+".o_proj", y, c.Heads*c.HeadDim, c.HiddenSize, c.AttentionBias)
}

func llamaMLP(b *Builder, path string, x *graph.Node) *graph.Node {
	c := b.Config
	gate := b.Linear(path+".gate_proj", x, c.HiddenSize, c.Intermediate, c.MLPBias)
	up := b.Linear(path+".up_proj", x, c.HiddenSize, c.Intermediate, c.MLPBias)
	return b.Linear(path+".down_proj", b.gated(gate, up), c.Intermediate, c.HiddenSize, c.MLPBias)
}

// gated is act(gate) * up.
func (b *Builder) gated(gate, up *graph.Node) *graph.Node {
	act, err := b.Config.Act()
	if err != nil {
		b.Weights.fail(err)
	}
	if act == graph.SiLU {
		return graph.SwiGLU(gate, up)
	}
	return graph.Mul(graph.Activation(gate, act), up)
}

// ropeTable is the leaf with cosines and sines for every position that the model knows.
func (b *Builder) ropeTable() *graph.Node {
	n := b.Weights.Positions
	name := "rotary_table"
	if _, ok := b.Weights.given[name]; !ok {
		b.Weights.given[name] = b.Config.ropeTable(n)
	}
	return b.G.Weight(name, backend.F32, false, n, b.Config.HeadDim)
}

func llamaVocab(b *Builder, h *graph.Node) (*graph.Node, *graph.Node, *graph.Node) {
	return h, b.vocabHead(), nil
}

// llamaLabels scores the last token that is not padding.
func llamaLabels(b *Builder, h *graph.Node, labels int) *graph.Node {
	last := graph.GatherRows(h, b.G.InputOf("last_token", backend.U32, b.B))
	return b.Linear("score", last, b.Config.HiddenSize, labels, false)
}

// llamaTokens scores every token. Unlike the head of whole texts, transformers' has a bias here, and a dropout where the config names none.
func llamaTokens(b *Builder, h *graph.Node, labels int) *graph.Node {
	drop := 0.1
	for _, p := range []*float64{b.Config.HiddenDropout2, b.Config.ClassifierDropout} {
		if p != nil {
			drop = *p
		}
	}
	return b.Linear("score", b.Dropout(h, drop), b.Config.HiddenSize, labels, true)
}
