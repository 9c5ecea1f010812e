package graph

import (
	"fmt"
	"math/rand/v2"

	"luthier/backend"
)

// RandomGraph is a random training step: the same seed builds the same graph again, since compiling uses a graph up.
type RandomGraph struct {
	*Graph
	Loss       *Node
	Fill       map[string]func(i int) float64 // values of inputs
	rng        *rand.Rand
	b, t, d    int // sequences, tokens of each, width
	heads      int
	vocab      int
	smooth     bool // no ReLU, whose kink central differences cannot cross
	salt       uint32
	names      int
	seed       *Node
	mask       *Node
	table      *Node
	keep       []*Node // what Train makes outputs of
	frozenBase bool
}

// NewRandomGraph builds the forward pass of graph number n into g. Constants are sums of few powers of two, so that folding them loses
// nothing.
func NewRandomGraph(g *Graph, n uint64, smooth bool) *RandomGraph {
	r := &RandomGraph{Graph: g, Fill: map[string]func(int) float64{}, rng: rand.New(rand.NewPCG(n, 7)), smooth: smooth}
	r.b, r.t = 1+r.rng.IntN(3), 3+r.rng.IntN(8)
	r.heads = []int{1, 2, 4}[r.rng.IntN(3)]
	r.d = r.heads * []int{4, 8, 12}[r.rng.IntN(3)]
	r.vocab = 9 + r.rng.IntN(60)
	r.frozenBase = r.one(2)
	r.seed = r.input("seed", backend.U32, func(i int) float64 { return float64(1 + i) }, 4)
	r.mask = r.input("mask", backend.U32, func(i int) float64 {
		if i%r.t > r.t-1-i/r.t {
			return 0
		}
		return 1
	}, r.b, r.t)
	x := r.embed()
	blocks := []func(*Node) *Node{r.mlp, r.mlp, r.gated, r.attention, r.attention, r.lora, r.odd, r.gram, r.batched, r.twice}
	for range 1 + r.rng.IntN(4) {
		end := func() {}
		if r.one(2) {
			end = r.Block()
		}
		x = blocks[r.rng.IntN(len(blocks))](x)
		end()
	}
	r.loss(r.norm(x))
	return r
}

func (r *RandomGraph) one(in int) bool { return r.rng.IntN(in) == 0 }

func (r *RandomGraph) name(what string) string {
	r.names++
	return fmt.Sprintf("%s%d", what, r.names)
}

func (r *RandomGraph) input(name string, t backend.DType, f func(int) float64, dims ...int) *Node {
	r.Fill[name] = f
	return r.InputOf(name, t, dims...)
}

// weight is a trainable weight, or a frozen one, some of them bf16.
func (r *RandomGraph) weight(what string, dims ...int) *Node {
	if r.frozenBase && r.one(2) {
		t := backend.F32
		if len(dims) == 2 && dims[1]%2 == 0 && r.one(2) {
			t = backend.BF16
		}
		return r.Weight(r.name(what), t, false, dims...)
	}
	return r.Weight(r.name(what), backend.F32, true, dims...)
}

func (r *RandomGraph) trainable(what string, dims ...int) *Node {
	return r.Weight(r.name(what), backend.F32, true, dims...)
}

func (r *RandomGraph) vec(what string, d int) *Node { return r.trainable(what, d) }

func (r *RandomGraph) linear(x *Node, out int) *Node {
	var bias *Node
	if r.one(2) {
		bias = r.vec("bias", out)
	}
	return Linear(x, r.weight("w", out, x.Shape.Last()), bias)
}

func (r *RandomGraph) act() Act {
	if r.smooth {
		return []Act{GeLU, GeLUTanh, Tanh, SiLU}[r.rng.IntN(4)]
	}
	return Act(1 + r.rng.IntN(5))
}

func (r *RandomGraph) drop(x *Node) *Node {
	if !r.one(3) {
		return x
	}
	r.salt++
	return Dropout(x, r.seed, 0.25, r.salt)
}

func (r *RandomGraph) norm(x *Node) *Node {
	if r.one(2) {
		return RMSNorm(x, r.vec("gamma", r.d), 1e-3)
	}
	return LayerNorm(x, r.vec("gamma", r.d), r.vec("beta", r.d), 1e-3)
}

// residual adds y to the stream in one of the ways that fusion must tell apart.
func (r *RandomGraph) residual(x, y *Node) *Node {
	switch r.rng.IntN(4) {
	case 0:
		return AddScaled(x, y, 0.5)
	case 1:
		return Add(y, x)
	case 2:
		return Add(x, Scale(y, 0.75))
	}
	return Add(x, r.drop(y))
}

func (r *RandomGraph) embed() *Node {
	rows := r.b * r.t
	ids := make([]int32, rows)
	for i := range ids {
		ids[i] = int32(r.rng.IntN(r.vocab))
	}
	segs := Segments(ids, NoID)
	r.table = r.weight("table", r.vocab, r.d)
	return Embedding(r.table, r.input("ids", backend.U32, func(i int) float64 { return float64(ids[i]) }, rows),
		r.input("segs", backend.U32, func(i int) float64 { return float64(segs[i]) }, 3*rows+2))
}

func (r *RandomGraph) mlp(x *Node) *Node {
	h := Activation(r.linear(r.norm(x), 4+r.rng.IntN(20)), r.act())
	return r.residual(x, r.linear(r.drop(h), r.d))
}

func (r *RandomGraph) gated(x *Node) *Node {
	n, h := r.norm(x), 4+r.rng.IntN(20)
	return r.residual(x, r.linear(SwiGLU(r.linear(n, h), r.linear(n, h)), r.d))
}

func (r *RandomGraph) attention(x *Node) *Node {
	n, kv := r.norm(x), r.heads
	if r.heads%2 == 0 && r.one(2) {
		kv = r.heads / 2
	}
	d := r.d / r.heads
	q, k, v := r.linear(n, r.d), r.linear(n, kv*d), r.linear(n, kv*d)
	if r.one(2) {
		table := r.Weight(r.name("rope"), backend.F32, false, r.t, d)
		at := r.input(r.name("pos"), backend.U32, func(i int) float64 { return float64(i % r.t) }, r.b*r.t)
		q, k = Rope(q, at, table, r.heads), Rope(k, at, table, kv)
	}
	o := AttentionOptions{B: r.b, Tq: r.t, Tk: r.t, Heads: r.heads, KV: kv, Causal: r.one(2)}
	if o.Causal && r.one(2) {
		o.Prefix = 2
	}
	if r.one(3) {
		r.salt++
		o.Drop, o.Salt = 0.25, r.salt
	}
	var mask, bias *Node
	if r.one(2) {
		mask = r.mask
	}
	if r.one(3) {
		bias = r.Weight(r.name("bias"), backend.F32, false, r.heads, r.t, r.t)
	}
	return r.residual(x, r.linear(Attention(q, k, v, mask, bias, r.seed, o), r.d))
}

// lora is a frozen linear with a low-rank side path that joins it before bias and activation.
func (r *RandomGraph) lora(x *Node) *Node {
	y := Linear(x, r.Weight(r.name("w"), backend.F32, false, r.d, r.d), nil)
	low := Linear(r.drop(x), r.trainable("A", 4, r.d), nil)
	y = AddScaled(y, Linear(low, r.trainable("B", r.d, 4), nil), 0.5)
	return r.residual(x, Activation(AddVec(y, r.vec("bias", r.d)), r.act()))
}

// odd mixes elementwise ops on rows that are no multiple of four, and makes values that nobody uses.
func (r *RandomGraph) odd(x *Node) *Node {
	h := 5 + 2*r.rng.IntN(3)
	y := r.linear(x, h)
	Activation(Scale(y, 0.5), r.act()) // dead
	y = MulVec(AddVec(y, r.vec("v", h)), r.vec("u", h))
	y = Mul(y, Activation(y, r.act()))
	y = Add(y, Scale(y, -0.25))
	return r.residual(x, r.linear(y, r.d))
}

// gram multiplies by x^T x, transposed operands on both sides.
func (r *RandomGraph) gram(x *Node) *Node {
	n := r.norm(x)
	gram := Scale(MatMul(n, n, true, false), 0.0625)
	back := MatMul(Scale(gram, 0.5), n, true, true) // [d, rows]
	return r.residual(x, MatMul(back, r.trainable("m", r.d, r.d), true, false))
}

func (r *RandomGraph) batched(x *Node) *Node {
	y := Reshape(r.norm(x), r.b, r.t, r.d)
	s := Activation(Scale(MatMul(y, y, false, true), 0.25), Tanh)
	return r.residual(x, Reshape(MatMul(s, y, r.one(2), false), r.b*r.t, r.d))
}

// twice computes a value two times over, one of them an output.
func (r *RandomGraph) twice(x *Node) *Node {
	w, v := r.weight("w", r.d, r.d), r.vec("bias", r.d)
	a, b := Linear(x, w, v), Linear(x, w, v)
	r.keep = append(r.keep, b)
	return r.residual(x, Mul(Activation(a, Tanh), b))
}

func (r *RandomGraph) scale() *Node {
	return r.input(r.name("scale"), backend.F32, func(int) float64 { return 0.125 }, 1)
}

func (r *RandomGraph) labels(rows, classes int) *Node {
	return r.input(r.name("labels"), backend.U32, func(i int) float64 {
		if i%5 == 3 {
			return Ignored
		}
		return float64(i * 7 % classes)
	}, rows)
}

func (r *RandomGraph) loss(x *Node) {
	rows := r.b * r.t
	var loss, each *Node
	switch r.rng.IntN(4) {
	case 0:
		var bias *Node
		if r.one(2) {
			bias = r.vec("bias", r.vocab)
		}
		loss, each = VocabLoss(x, r.table, bias, r.labels(rows, r.vocab), r.scale(), 0.125)
	case 1:
		last := r.input("last", backend.U32, func(i int) float64 { return float64((i+1)*r.t - 1) }, r.b)
		c := 2 + r.rng.IntN(4)
		loss, each = CrossEntropy(r.linear(GatherRows(x, last), c), r.labels(r.b, c), r.scale(), 0)
	case 2:
		c := 2 + r.rng.IntN(4)
		loss, each = CrossEntropy(r.linear(MeanPool(x, r.mask), c), r.labels(r.b, c), r.scale(), 0.125)
	default:
		y := r.input("targets", backend.F32, func(i int) float64 { return float64(i) - 1 }, rows)
		w := r.input("weights", backend.F32, func(i int) float64 { return float64((i + 1) % 3) }, rows)
		loss, each = MSE(r.linear(x, 1), y, w, r.scale())
	}
	if r.one(3) {
		loss = Add(loss, Scale(Reshape(ColSum(Mul(Reshape(x, rows*r.d, 1), Reshape(x, rows*r.d, 1))), 1), 0.0078125))
	}
	r.keep = append(r.keep, loss, each)
	r.Loss = loss
}

// Train adds gradients, clipping and updates of every kind.
func (r *RandomGraph) Train() {
	var ps []*Node
	for _, n := range r.Leaves() {
		if n.leaf.Kind == Trainable {
			ps = append(ps, n)
		}
	}
	var grads, used []*Node
	for i, d := range r.Grad(r.Loss, ps) {
		if d != nil {
			grads, used = append(grads, d), append(used, ps[i])
		}
	}
	r.Output(append(r.keep, grads[r.rng.IntN(len(grads))])...)
	norms := SquaredNorms(grads...)
	clip := ClipScale(norms, 0.5)
	hyper := r.input("hyper", backend.F32, func(i int) float64 { return []float64{0.0625, 4, 8, 0}[i%4] }, HyperSize)
	slot := r.input("slot", backend.U32, func(i int) float64 { return 5 }, 4)
	Record(r.StateOf("ring", 4, len(grads)), slot, norms)
	for i, p := range used {
		state := func(what string) *Node { return r.StateOf(what+" "+p.leaf.Name, p.Shape...) }
		d := grads[i]
		if r.one(3) {
			acc := state("acc")
			Accumulate(acc, d)
			if r.one(2) {
				Accumulate(acc, d)
			}
			if r.one(2) {
				defer Clear(acc)
			}
			d = acc
		}
		switch r.rng.IntN(3) {
		case 0:
			AdamW(p, state("m"), state("v"), d, hyper, clip, AdamWOptions{Beta1: 0.875, Beta2: 0.75, Eps: 0.0625, Decay: 0.125, LRScale: 1})
		case 1:
			SGD(p, state("buf"), d, hyper, clip, SGDOptions{Momentum: 0.875, Decay: 0.125, LRScale: 0.5, Nesterov: r.one(2)})
		default:
			SGD(p, nil, d, hyper, clip, SGDOptions{LRScale: 1})
		}
	}
}
