package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// adamW updates a weight and its moments in place. Inputs: p, m, v, gradient, hyper, clip.
type adamW struct{ Beta1, Beta2, Eps, Decay, LRScale float32 }

// AdamWOptions are the attributes of one AdamW update.
type AdamWOptions struct{ Beta1, Beta2, Eps, Decay, LRScale float32 }

// HyperSize is the length of the hyper input of updates: (learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t), 0 ...).
const HyperSize = 8

// AdamW updates p by gradient dp, with decoupled decay and bias correction as PyTorch has them (Loshchilov and Hutter 2019). m and v are
// states of p's shape; hyper: [HyperSize], clip: [2] as ClipScale makes it. Nothing is written when clip is not finite.
func AdamW(p, m, v, dp, hyper, clip *Node, o AdamWOptions) {
	p.g.apply(adamW(o), p, m, v, dp, hyper, clip)
}

func (o adamW) Infer(in []Sig) ([]Sig, error) {
	for i, name := range []string{"m", "v", "gradient"} {
		if err := wantShape(name, in[0].Shape, in[i+1]); err != nil {
			return nil, err
		}
	}
	return nil, hyperSigs(in[4], in[5])
}

func hyperSigs(hyper, clip Sig) error {
	if err := wantShape("hyper", Shape{HyperSize}, hyper); err != nil {
		return err
	}
	return wantShape("clip", Shape{2}, clip)
}

func (adamW) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (adamW) Updates() []int                     { return []int{0, 1, 2} }
func (o adamW) Lower(l *Lowerer, c *Call) {
	for _, r := range l.together(c.In[:4]) {
		l.flat("adamw", nil, r.elems, Args{"p": r.refs[0], "m": r.refs[1], "v": r.refs[2], "g": r.refs[3], "hyper": l.Ref(c.In[4]), "clip": l.Ref(c.In[5])},
			backend.U{"beta1": o.Beta1, "beta2": o.Beta2, "eps": o.Eps, "wd": o.Decay, "lr_scale": o.LRScale})
	}
}

// pieces are the same part of several values of one shape.
type pieces struct {
	refs  []Ref
	elems int
}

func (l *Lowerer) together(ns []*Node) []pieces {
	var out []pieces
	for i, n := range ns {
		parts := l.Parts(n)
		if i > 0 && len(parts) != len(out) {
			l.fail(fmt.Errorf("%v %v lies in %d bindings and %v %v in %d", ns[0], ns[0].Sig, len(out), n, n.Sig, len(parts)))
			return nil
		}
		for j, p := range parts {
			elems := p.Rows * n.root().Shape.Last()
			if i == 0 {
				out = append(out, pieces{elems: elems})
			}
			if elems != out[j].elems {
				l.fail(fmt.Errorf("%v %v and %v %v lie in bindings of different rows", ns[0], ns[0].Sig, n, n.Sig))
				return nil
			}
			out[j].refs = append(out[j].refs, p.Ref)
		}
	}
	return out
}

// sgd updates a weight in place. Inputs: p, gradient, hyper, clip, and the momentum buffer if Momentum is not zero.
type sgd struct {
	Momentum, Decay, LRScale float32
	Nesterov                 bool
}

// SGDOptions are the attributes of one SGD update.
type SGDOptions struct {
	Momentum, Decay, LRScale float32
	Nesterov                 bool
}

// SGD updates p by gradient dp with decay added to the gradient, in PyTorch's form (Sutskever et al. 2013 for momentum). buf is a state
// of p's shape, or nil without momentum.
func SGD(p, buf, dp, hyper, clip *Node, o SGDOptions) {
	if o.Momentum == 0 {
		p.g.apply(sgd(o), p, dp, hyper, clip)
		return
	}
	p.g.apply(sgd(o), p, dp, hyper, clip, buf)
}

func (o sgd) Infer(in []Sig) ([]Sig, error) {
	if err := wantShape("gradient", in[0].Shape, in[1]); err != nil {
		return nil, err
	}
	if o.Momentum != 0 {
		if err := wantShape("momentum buffer", in[0].Shape, in[4]); err != nil {
			return nil, err
		}
	}
	return nil, hyperSigs(in[2], in[3])
}
func (sgd) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o sgd) Updates() []int {
	if o.Momentum == 0 {
		return []int{0}
	}
	return []int{0, 4}
}
func (o sgd) Lower(l *Lowerer, c *Call) {
	vals, k := []*Node{c.In[0], c.In[1]}, shaders.Consts{"MOM": 0}
	nesterov := 0
	if o.Momentum != 0 {
		vals, k["MOM"] = append(vals, c.In[4]), 1
	}
	if o.Nesterov {
		nesterov = 1
	}
	for _, r := range l.together(vals) {
		args := Args{"p": r.refs[0], "g": r.refs[1], "hyper": l.Ref(c.In[2]), "clip": l.Ref(c.In[3])}
		if o.Momentum != 0 {
			args["buf"] = r.refs[2]
		}
		l.flat("sgd", k, r.elems, args, backend.U{"mu": o.Momentum, "wd": o.Decay, "lr_scale": o.LRScale, "nesterov": nesterov})
	}
}

// accumulate is state += x.
type accumulate struct{}

// Accumulate adds x to a state of its shape, in place.
func Accumulate(state, x *Node) { x.g.apply(accumulate{}, state, x) }

func (accumulate) Infer(in []Sig) ([]Sig, error)      { return nil, wantShape("x", in[0].Shape, in[1]) }
func (accumulate) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (accumulate) Updates() []int                     { return []int{0} }
func (accumulate) Lower(l *Lowerer, c *Call) {
	for _, r := range l.together(c.In) {
		l.flat("add_into", nil, r.elems, Args{"y": r.refs[0], "x": r.refs[1]}, backend.U{"c": float32(1)})
	}
}

// clear is state = 0.
type clear0 struct{}

// Clear zeroes a state in place.
func Clear(state *Node) { state.g.apply(clear0{}, state) }

func (clear0) Infer([]Sig) ([]Sig, error)         { return nil, nil }
func (clear0) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (clear0) Updates() []int                     { return []int{0} }
func (clear0) Lower(l *Lowerer, c *Call) {
	for _, p := range l.Parts(c.In[0]) {
		l.fill(p.Ref, p.Rows*c.In[0].Shape.Last(), 0)
	}
}

// record copies x to row slot of a ring.
type record struct{}

// Record writes x: [n] to row slot[0] mod len of the state ring: [len, n], which the host reads every few steps. slot: u32 [4].
func Record(ring, slot, x *Node) { x.g.apply(record{}, ring, slot, x) }

func (record) Infer(in []Sig) ([]Sig, error) {
	if err := wantShape("x", Shape{in[0].Shape.Last()}, in[2]); err != nil {
		return nil, err
	}
	return nil, integers("slot", in[1])
}
func (record) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (record) Updates() []int                     { return []int{0} }
func (record) Lower(l *Lowerer, c *Call) {
	n := c.In[2].Shape.Last()
	l.threads("record", nil, n, Args{"src": l.Ref(c.In[2]), "ring": l.Ref(c.In[0]), "slot": l.Ref(c.In[1])},
		backend.U{"n": n, "len": c.In[0].Shape[0]}, float64(n))
}

// squares is the sum of squares of each input.
type squares struct{}

// SquaredNorms is [n], the sum of squares of each of the n values, in one pass over each.
func SquaredNorms(xs ...*Node) *Node { return xs[0].g.apply(squares{}, xs...)[0] }

func (squares) Infer(in []Sig) ([]Sig, error) {
	for i, s := range in {
		if err := dense(fmt.Sprintf("input %d", i), s); err != nil {
			return nil, err
		}
	}
	return []Sig{f32(len(in))}, nil
}
func (squares) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (squares) Lower(l *Lowerer, c *Call) {
	out := l.Ref(c.Out[0])
	for slot, x := range c.In {
		parts := l.Parts(x)
		if len(parts) > 1 {
			l.squaresOfParts(parts, x, out, slot)
			continue
		}
		l.squaresOf(parts[0].Ref, x.Shape.Elems(), out, slot)
	}
}

// squaresOf is out[slot] = sum of squares of x[0:n]: blocks first, then the blocks.
func (l *Lowerer) squaresOf(x Ref, n int, out Ref, slot int) {
	per := up4(max(4096, (n+1023)/1024))
	blocks := (n + per - 1) / per
	part := l.Temp(blocks)
	l.Dispatch("sumsq", l.wg(nil), [3]uint32{uint32(blocks), 1, 1}, Args{"x": x, "partial": part}, backend.U{"n": n, "per": per}, float64(2*n))
	l.sum(part, blocks, out, slot, 1)
}

func (l *Lowerer) squaresOfParts(parts []Part, x *Node, out Ref, slot int) {
	each := l.Temp(len(parts))
	for i, p := range parts {
		l.squaresOf(p.Ref, p.Rows*x.Shape.Last(), each, i)
	}
	l.sum(each, len(parts), out, slot, 1)
}

// clipScale is (total norm, coefficient).
type clipScale struct{ Max float32 }

// ClipScale makes [2] from sums of squares [n]: the global L2 norm, and the factor min(1, max / (norm + 1e-6)) that clips to it, as
// PyTorch's clip_grad_norm_. max 0 means no clipping. A norm that is not finite gives a factor that is not.
func ClipScale(norms *Node, max float32) *Node { return norms.g.apply(clipScale{max}, norms)[0] }

func (clipScale) Infer(in []Sig) ([]Sig, error)      { return []Sig{f32(2)}, dense("norms", in[0]) }
func (clipScale) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o clipScale) Lower(l *Lowerer, c *Call) {
	n := c.In[0].Shape.Elems()
	l.Dispatch("clip_scale", l.treeWG(), [3]uint32{1, 1, 1}, Args{"norms2": l.Ref(c.In[0]), "out": l.Ref(c.Out[0])},
		backend.U{"n": n, "max_norm": o.Max}, float64(n))
}
