package model

import (
	"fmt"

	"luthier/backend"
	"luthier/graph"
)

// BERT: post-norm encoder with learned positions and token types (Devlin et al. 2019).
var _ = register(Spec{
	Type:   "bert",
	Prefix: "bert.",
	Classes: map[Task]string{MaskedLM: "BertForMaskedLM", Classify: "BertForSequenceClassification", Regress: "BertForSequenceClassification",
		TokenClassify: "BertForTokenClassification"},
	Targets:    []string{"query", "value"},
	Heads:      []string{"classifier", "cls", "bert.pooler"},
	MaskedHead: []string{"cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm"},
	Pooler:     []string{"bert.pooler.dense"},
	TokenTypes: true,
	Defaults:   bertDefaults,
	Check:      bertCheck,
	Hidden:     bertHidden,
	Vocab:      bertVocab,
	Labels:     bertLabels,
	Tokens:     bertTokens,
	Table:      "bert.embeddings.word_embeddings.weight", HeadWeight: "cls.predictions.decoder.weight", HeadBias: "cls.predictions.bias",
})

// bertDefaults are BertConfig's.
func bertDefaults(c *Config) {
	drop := 0.1
	c.HiddenDropout, c.AttentionDropout2 = drop, &drop
}

// bertCheck refuses scores that depend on distances: transformers computed them up to version 4.
func bertCheck(c *Config) error {
	if t := c.PositionType; t != "" && t != "absolute" {
		return fmt.Errorf("position_embedding_type %q is not supported (absolute)", t)
	}
	return nil
}

func bertHidden(b *Builder) *graph.Node {
	c := b.Config
	x := b.Embed("bert.embeddings.word_embeddings", "input_ids", b.ids(), c.Vocab, c.HiddenSize)
	x = graph.Add(x, b.Embed("bert.embeddings.token_type_embeddings", "token_type_ids", b.types(), c.TypeVocab, c.HiddenSize))
	x = graph.Add(x, b.Embed("bert.embeddings.position_embeddings", "position_ids", b.positions(), c.MaxPositions, c.HiddenSize))
	x = b.Dropout(b.LayerNorm("bert.embeddings.LayerNorm", x), c.HiddenDropout)
	return b.layers("bert.encoder.layer", c.Layers, x, func(path string, x *graph.Node) *graph.Node { return bertLayer(b, path, x) })
}

// bertLayer is attention and feed-forward, a norm after each sum.
func bertLayer(b *Builder, path string, x *graph.Node) *graph.Node {
	c := b.Config
	d, self := c.HiddenSize, path+".attention.self"
	q := b.Linear(self+".query", x, d, d, true)
	k := b.Linear(self+".key", x, d, d, true)
	v := b.Linear(self+".value", x, d, d, true)
	x = bertOut(b, path+".attention.output", x, b.attend(self, q, k, v, c.IsDecoder), d)
	act, err := c.Act()
	if err != nil {
		b.Weights.fail(err)
	}
	h := graph.Activation(b.Linear(path+".intermediate.dense", x, d, c.Intermediate, true), act)
	return bertOut(b, path+".output", x, h, c.Intermediate)
}

// bertOut projects y back to the stream, adds it to x and normalises the sum.
func bertOut(b *Builder, path string, x, y *graph.Node, in int) *graph.Node {
	y = b.Linear(path+".dense", y, in, b.Config.HiddenSize, true)
	return b.LayerNorm(path+".LayerNorm", b.Residual(path, x, b.Dropout(y, b.Config.HiddenDropout)))
}

// bertVocab is the masked-language-model head: dense, activation, norm, then the tied decoder with its bias.
func bertVocab(b *Builder, h *graph.Node) (*graph.Node, *graph.Node, *graph.Node) {
	c := b.Config
	act, err := c.Act()
	if err != nil {
		b.Weights.fail(err)
	}
	h = graph.Activation(b.Linear("cls.predictions.transform.dense", h, c.HiddenSize, c.HiddenSize, true), act)
	h = b.LayerNorm("cls.predictions.transform.LayerNorm", h)
	return h, b.vocabHead(), b.weight("cls.predictions.bias", c.Vocab)
}

// bertLabels pools the first token and classifies it.
func bertLabels(b *Builder, h *graph.Node, labels int) *graph.Node {
	c := b.Config
	first := graph.GatherRows(h, b.G.InputOf("first_token", backend.U32, b.B))
	p := graph.Activation(b.Linear("bert.pooler.dense", first, c.HiddenSize, c.HiddenSize, true), graph.Tanh)
	return b.Linear("classifier", b.Dropout(p, bertHeadDrop(c)), c.HiddenSize, labels, true)
}

// bertTokens classifies every token; the pooler has no part in it.
func bertTokens(b *Builder, h *graph.Node, labels int) *graph.Node {
	return b.Linear("classifier", b.Dropout(h, bertHeadDrop(b.Config)), b.Config.HiddenSize, labels, true)
}

// bertHeadDrop is the dropout before a classification head.
func bertHeadDrop(c *Config) float64 {
	if c.ClassifierDropout != nil {
		return *c.ClassifierDropout
	}
	return c.HiddenDropout
}
