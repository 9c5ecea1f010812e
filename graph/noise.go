package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// Noise says how a forward program perturbs trained weights, for training without gradients (Malladi et al. 2023, 2305.17333). Weights
// are not written: the kernels that load them add scalar * z, where z is made again from a seed each time. The scalars, the seed and the
// rest of what changes from run to run lie in the input ZOTable.
type Noise struct {
	Kind   NoiseKind
	Sparse bool // only elements whose magnitude is at most their tensor's threshold
	Pair   bool // the batch is two copies of one: the first half of the rows takes scalar 0, the second scalar 1
	Anchor bool // the weights are the anchors, states that hold copies (see Graph.Anchor), and not the trained ones
	Order  map[string]int
}

// NoiseKind is a distribution of z, integers all.
type NoiseKind int

// Kinds of noise, numbered as in the kernels.
const (
	Rademacher NoiseKind = 1 // +1 or -1
	Binomial   NoiseKind = 2 // popcount of 32 bits - 16, near N(0, 8)
	LowRank    NoiseKind = 3 // sum of r products of +-1: U V^T (LOZO)
)

// packed is the form in which kernel zo_noise leaves it: 1 a bit, 2 a byte an element.
func (k NoiseKind) packed() int {
	if k == Rademacher {
		return 1
	}
	return 2
}

// of is the kind for one tensor: a vector has no low rank.
func (k NoiseKind) of(s Shape) NoiseKind {
	if k == LowRank && s.Rows() == 1 {
		return Rademacher
	}
	return k
}

// ZOTable is the name of the u32 input that says what the noise of a run is: seed (2 words), scalars of both halves (f32 bits), 0, second
// seed (2), mask of the rank, 8 words of 0, then a threshold a tensor (f32 bits).
const ZOTable = "zo"

// ZOHead is the number of words of ZOTable before the thresholds.
const ZOHead = 16

func (n *Noise) table(g *Graph) *Node { return g.InputOf(ZOTable, backend.U32, ZOHead+len(n.Order)) }

// noisy is the perturbation of one use of one weight, as an attribute of the op that loads it. The zero value is none.
type noisy struct {
	Kind   NoiseKind
	Sparse bool
	Tensor int
}

func (n noisy) on() bool { return n.Kind != 0 }

// leafNoise is what n means for a leaf; ok tells whether the leaf is perturbed at all.
func (n *Noise) leafNoise(x *Node) (v noisy, ok bool) {
	if x.leaf == nil || x.leaf.Kind != Trainable {
		return noisy{}, false
	}
	i, ok := n.Order[x.leaf.base()]
	return noisy{n.Kind.of(x.leaf.shape(x)), n.Sparse, i}, ok
}

// base is the name of the weight that the leaf is, itself or transposed.
func (l *Leaf) base() string {
	if l.Of != "" {
		return l.Of
	}
	return l.Name
}

// Weight is the name and the shape of the weight that a leaf is, itself or transposed.
func (n *Node) Weight() (string, Shape) { return n.leaf.base(), n.leaf.shape(n) }

// shape is that of the weight itself.
func (l *Leaf) shape(n *Node) Shape {
	if l.Of != "" {
		return l.From.Shape
	}
	return n.Shape
}

// stored is where the elements of a weight, or of some of its rows, lie.
type stored struct {
	transposed     bool
	rows, cols, ld int // of the weight; ld where it lies transposed
	row0           int // first row
}

// storedAs is how part p of leaf n lies.
func (l *Lowerer) storedAs(n *Node, p Part) stored {
	if n.leaf.Of == "" {
		return stored{rows: p.Rows, cols: n.Shape.Last(), row0: p.Row0}
	}
	if p.Rows != n.Shape.Rows() {
		l.fail(fmt.Errorf("%s is above the binding limit and lies transposed: its noise cannot be made part by part", n.leaf.Name))
	}
	return stored{transposed: true, rows: n.leaf.From.Shape[0], cols: n.leaf.From.Shape[1], ld: n.ld()}
}

// elems is how many elements lie there, padding included.
func (s stored) elems() int {
	if s.transposed {
		return s.cols * s.ld
	}
	return s.rows * s.cols
}

// addNoise is w += scalar * z in place, one addition an element: the update of zeroth-order training. Inputs: w, table.
type addNoise struct{ noisy }

// AddNoise adds scalar 0 of the table times the noise of tensor number i to a trained leaf, in place. A bf16 weight is rounded
// stochastically, from the same seed.
func AddNoise(w *Node, n *Noise) {
	v, ok := n.leafNoise(w)
	if !ok {
		w.g.fail("AddNoise: %v is no trained weight with a number", w)
		return
	}
	w.g.apply(addNoise{v}, w, n.table(w.g))
}

func (addNoise) Updates() []int                     { return []int{0} }
func (addNoise) Infer([]Sig) ([]Sig, error)         { return nil, nil }
func (addNoise) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o addNoise) Lower(l *Lowerer, c *Call) {
	w := c.In[0]
	for _, p := range l.Parts(w) {
		l.addNoise(o.noisy, p, w.DType, l.storedAs(w, p), c.In[1])
	}
}

// perturbed is w + scalar * z as a value of its own, for small tensors: biases, gains, whatever has no loader that adds noise. Inputs: w,
// table. With Pair, one row for each half of the batch, rows padded to a multiple of 4.
type perturbed struct {
	noisy
	Pair bool
}

func (o perturbed) Infer(in []Sig) ([]Sig, error) {
	if in[0].DType != backend.F32 {
		return nil, fmt.Errorf("%v is perturbed as a whole, which only f32 weights can be", in[0])
	}
	if o.Pair {
		return []Sig{f32(2, up4(in[0].Shape.Elems()))}, nil
	}
	return []Sig{{Shape: in[0].Shape, DType: in[0].DType, LD: in[0].LD}}, nil
}
func (perturbed) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o perturbed) Lower(l *Lowerer, c *Call) {
	w := c.In[0]
	parts := l.Parts(w)
	out := l.Parts(c.Out[0])
	if len(parts) != len(out) {
		l.fail(fmt.Errorf("%v lies in %d bindings and cannot be perturbed in pairs", w, len(parts)))
		return
	}
	for i, p := range parts {
		l.copyNoise(o, p, out[i].Ref, l.storedAs(w, p), c.In[1])
	}
}

// perturbation is the noise of one weight and the table that it is made from.
type perturbation struct {
	noisy
	weight, table *Node
}

// noise makes the noise of a part of p's right operand in scratch memory and tells p of it.
func (l *Lowerer) noise(p *product, n *perturbation, part Part) {
	if n == nil || !n.on() {
		return
	}
	l.noiseOf(p, n.noisy, l.storedAs(n.weight, part), n.table)
}

func (l *Lowerer) noiseOf(p *product, n noisy, s stored, table *Node) {
	p.Z = l.makeNoise(n, s, table)
	p.Noise, p.Sparse = n.Kind.packed(), n.Sparse
}

// halves makes p a stack of two products, the first and the second half of its rows, with one b and a bias each or one for both.
func (p *product) halves(bias bool) {
	p.Batches, p.M = 2, p.M/2
	p.SAB, p.SBB, p.SCB = p.M*p.LDA, 0, p.M*p.LDC
	if p.Pair = bias; bias {
		p.SBias = up4(p.N)
	}
}

// halved tells whether p is such a stack.
func (p *product) halved() bool { return p.Batches == 2 && p.SBB == 0 && p.Heads == 1 }

// consts sets what a kernel that loads noise is compiled with.
func (n noisy) consts(c shaders.Consts, form int) {
	c["NOISE"] = form
	if n.Sparse {
		c["SPARSE"] = 1
	}
}

// pairConsts adds what a kernel with a vector for each half of the rows wants.
func pairConsts(pair bool, rows int, u backend.U) shaders.Consts {
	if !pair {
		return nil
	}
	u["per"] = rows / 2
	return shaders.Consts{"PAIR": 1}
}

// stride is the distance of columns where the weight lies transposed, of rows else.
func (s stored) stride() int {
	if s.transposed {
		return s.ld
	}
	return s.cols
}
