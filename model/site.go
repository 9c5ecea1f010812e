package model

import "luthier/graph"

// Kind says what part of a model a Site is.
type Kind string

// Kinds of sites.
const (
	Linear    Kind = "linear"         // y = x W^T + b; x: [rows, In], y: [rows, Out]
	Embedding Kind = "embedding"      // y = W[ids]; x: the ids
	Norm      Kind = "norm"           // y = norm(x)
	Residual  Kind = "residual"       // y = what a block adds to the residual stream x
	KeyValues Kind = "keys-values"    // keys and values of a layer's attention
	Mask      Kind = "attention-mask" // which keys a layer's queries see
)

// Site is a place in a model where a fine-tuning method may act. Every weight passes through one.
type Site struct {
	Path    string // module path as transformers names it: model.layers.0.self_attn.q_proj
	Kind    Kind
	Layer   int // -1 outside the layers
	In, Out int
	Weight  *graph.Node // [Out, In] of a linear, [V, d] of an embedding, [d] of a norm; nil for other kinds
	Bias    *graph.Node // nil where there is none
}

// Adapter is a fine-tuning method as a model sees it.
type Adapter interface {
	// Trains tells whether the base weight of that name is trained. It is asked while the model is built.
	Trains(name string) bool
	// Apply returns what stands for y = f(x) at the site; returning y is the identity.
	Apply(b *Builder, s Site, x, y *graph.Node) *graph.Node
}

// KeyValueAdapter is an Adapter that changes keys and values, such as prefix tuning: k, v: [B*T, KVHeads*D]. It returns the new ones and
// how many positions stand before the sequence.
type KeyValueAdapter interface {
	KeyValues(b *Builder, s Site, k, v *graph.Node) (k2, v2 *graph.Node, before int)
}

// MaskAdapter is an Adapter that changes which keys are seen.
type MaskAdapter interface {
	Mask(b *Builder, s Site, o *graph.AttentionOptions)
}

// Parter is an Adapter that may train a word embedding, or the vocabulary head tied to it, alone.
type Parter interface {
	// Parts tells whether the two weights of these names are then two.
	Parts(table, head string) bool
}

// None is the adapter of a frozen model.
type None struct{}

// Trains nothing.
func (None) Trains(string) bool { return false }

// Apply is the identity.
func (None) Apply(_ *Builder, _ Site, _, y *graph.Node) *graph.Node { return y }
