package model

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"luthier/backend"
	"luthier/graph"
)

// Builder builds one model for one batch shape into a graph. Architectures call its methods in the order of their equations.
type Builder struct {
	G       *graph.Graph
	Config  *Config
	Weights *Weights
	Method  Adapter
	B, T    int
	Train   bool   // dropout on
	Tables  bool   // embedding tables may be trained: their gradients want sorted positions
	Cache   int    // positions of a key/value cache for generation, 0 without
	Step    bool   // with Cache: one token a sequence, attending to the cache; else the prompt, filling it
	Scores  int    // of Score: scored tokens a sequence
	Masked  int    // of MaskedLM: tokens a sequence that the head sees, those with labels among them; 0 for all
	Sites   []Site // every site met, in order
	salt    uint32
	layer   int
}

// NewBuilder prepares a build of B sequences of T tokens.
func NewBuilder(g *graph.Graph, c *Config, w *Weights, m Adapter, b, t int) *Builder {
	if m == nil {
		m = None{}
	}
	return &Builder{G: g, Config: c, Weights: w, Method: m, B: b, T: t, layer: -1}
}

// Rows is the number of tokens of the batch.
func (b *Builder) Rows() int { return b.B * b.T }

// Inputs of a batch, by the names that transformers gives its forward arguments.
func (b *Builder) ids() *graph.Node { return b.G.InputOf("input_ids", backend.U32, b.Rows()) }
func (b *Builder) positions() *graph.Node {
	return b.G.InputOf("position_ids", backend.U32, b.Rows())
}
func (b *Builder) types() *graph.Node { return b.G.InputOf("token_type_ids", backend.U32, b.Rows()) }

// PadMask is u32 [B, T], zero at padding.
func (b *Builder) PadMask() *graph.Node { return b.G.InputOf("attention_mask", backend.U32, b.B, b.T) }

// Seed is the state of dropout: u32 [4].
func (b *Builder) Seed() *graph.Node { return b.G.InputOf("seed", backend.U32, 4) }

// segments are the sorted positions that the gradient of an embedding over input name wants.
func (b *Builder) segments(name string) *graph.Node {
	return b.G.InputOf(name+".segments", backend.U32, 3*b.Rows()+2)
}

// Dropout drops elements of x while training.
func (b *Builder) Dropout(x *graph.Node, p float64) *graph.Node {
	if !b.Train || p == 0 {
		return x
	}
	return graph.Dropout(x, b.Seed(), float32(p), b.Salt())
}

// Salt numbers the dropouts of a program, in order of building.
func (b *Builder) Salt() uint32 {
	b.salt++
	return b.salt
}

// weight declares a base weight.
func (b *Builder) weight(name string, dims ...int) *graph.Node {
	trains := b.Method.Trains(name)
	t, err := b.Weights.declare(name, trains, dims)
	if err != nil {
		b.Weights.fail(err)
	}
	return b.G.Weight(name, t, trains, dims...)
}

// Fail has the build end in an error: an Adapter's way to say that it cannot do what was asked. The first one counts.
func (b *Builder) Fail(err error) { b.Weights.fail(err) }

// vocabHead is the matrix of the vocabulary head, [V, d]: a weight of its own, or the word embedding that it is tied to, unless the method
// trains one of the two and leaves the other.
func (b *Builder) vocabHead() *graph.Node {
	s := b.Weights.spec
	b.Weights.headed = true
	name := s.HeadWeight
	if p, ok := b.Method.(Parter); b.Config.TiedHead() && !(ok && p.Parts(s.Table, s.HeadWeight)) {
		name = s.Table
	}
	return b.weight(name, b.Config.Vocab, b.Config.HiddenSize)
}

// New declares a trainable parameter that no checkpoint of the base model has. init fills it from a generator of its own, seeded by the
// run's seed and the name, so that its values do not depend on the order of building.
func (b *Builder) New(name string, init Init, dims ...int) *graph.Node {
	b.Weights.fresh[name] = init
	b.Weights.fail(b.Weights.fits(name, dims, "the settings of the adapter and its weights do not belong together: fetch both again"))
	return b.G.Weight(name, backend.F32, true, dims...)
}

// Init fills a new parameter.
type Init func(r *rand.Rand, x []float32)

// Zeros leaves a parameter zero.
func Zeros(*rand.Rand, []float32) {}

// Ones fills a parameter with ones.
func Ones(_ *rand.Rand, x []float32) {
	for i := range x {
		x[i] = 1
	}
}

// Normal draws from N(0, std^2).
func Normal(std float64) Init {
	return func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(r.NormFloat64() * std)
		}
	}
}

// Uniform draws from [-bound, bound).
func Uniform(bound float64) Init {
	return func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32((2*r.Float64() - 1) * bound)
		}
	}
}

func (w *Weights) rng(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(w.Seed, h.Sum64()))
}

// Linear is a dense layer at module path, through its site.
func (b *Builder) Linear(path string, x *graph.Node, in, out int, bias bool) *graph.Node {
	w := b.weight(path+".weight", out, in)
	var v *graph.Node
	if bias {
		v = b.weight(path+".bias", out)
	}
	s := b.site(Site{Path: path, Kind: Linear, In: in, Out: out, Weight: w, Bias: v})
	return b.Method.Apply(b, s, x, graph.Linear(x, w, v))
}

// Embed looks up ids in the table at module path, through its site. name is the input's name.
func (b *Builder) Embed(path, name string, ids *graph.Node, v, d int) *graph.Node {
	w := b.weight(path+".weight", v, d)
	var seg *graph.Node
	if b.Tables && b.Method.Trains(path+".weight") {
		seg = b.segments(name)
	}
	s := b.site(Site{Path: path, Kind: Embedding, In: v, Out: d, Weight: w})
	return b.Method.Apply(b, s, ids, graph.Embedding(w, ids, seg))
}

// RMSNorm and LayerNorm are norms at module path, through their sites.
func (b *Builder) RMSNorm(path string, x *graph.Node) *graph.Node {
	d := x.Shape.Last()
	w := b.weight(path+".weight", d)
	s := b.site(Site{Path: path, Kind: Norm, In: d, Out: d, Weight: w})
	return b.Method.Apply(b, s, x, graph.RMSNorm(x, w, float32(b.Config.RMSNormEps)))
}

// LayerNorm as RMSNorm.
func (b *Builder) LayerNorm(path string, x *graph.Node) *graph.Node {
	d := x.Shape.Last()
	w, v := b.weight(path+".weight", d), b.weight(path+".bias", d)
	s := b.site(Site{Path: path, Kind: Norm, In: d, Out: d, Weight: w, Bias: v})
	return b.Method.Apply(b, s, x, graph.LayerNorm(x, w, v, float32(b.Config.LayerNormEps)))
}

// Residual adds y to the stream x, through a site.
func (b *Builder) Residual(path string, x, y *graph.Node) *graph.Node {
	s := b.site(Site{Path: path, Kind: Residual, In: x.Shape.Last(), Out: x.Shape.Last()})
	return graph.Add(x, b.Method.Apply(b, s, x, y))
}

func (b *Builder) site(s Site) Site {
	s.Layer = b.layer
	b.Sites = append(b.Sites, s)
	return s
}

// layers builds n layers, each in a scope and a recompute block of its own.
func (b *Builder) layers(path string, n int, x *graph.Node, each func(path string, x *graph.Node) *graph.Node) *graph.Node {
	for i := range n {
		p := fmt.Sprintf("%s.%d", path, i)
		b.layer = i
		endScope, endBlock := b.G.Scope(p), b.G.Block()
		x = each(p, x)
		endBlock()
		endScope()
	}
	b.layer = -1
	return x
}

// Lookup picks rows of a trained table by ids, with what its gradient wants. table: [V, d] with d a multiple of 4.
func (b *Builder) Lookup(table, ids *graph.Node) *graph.Node {
	var seg *graph.Node
	if b.Tables {
		seg = b.segments(ids.Leaf().Name)
	}
	return graph.Embedding(table, ids, seg)
}
