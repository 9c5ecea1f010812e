package graph

import (
	"fmt"
	"strconv"
	"strings"

	"luthier/shaders"
)

// Act numbers an activation, as shaders/shared/activation.wgsl does.
type Act int

// Activations; names as in Hugging Face's hidden_act.
const (
	GeLU     Act = 1 + iota // x Phi(x) by the error function: "gelu"
	GeLUTanh                // "gelu_new", "gelu_pytorch_tanh"
	ReLU                    // "relu"
	Tanh                    // "tanh"
	SiLU                    // "silu", "swish"
)

// fill makes a constant.
type fill struct {
	Value float32
	Dims  string // kept as text, so that the Op is comparable
}

// Fill is a value with every element v.
func (g *Graph) Fill(v float32, dims ...int) *Node {
	return g.apply(fill{v, strings.Trim(fmt.Sprint(dims), "[]")})[0]
}

// parseDims reads a shape written as numbers with spaces between.
func parseDims(text string) Shape {
	var s Shape
	for _, f := range strings.Fields(text) {
		d, err := strconv.Atoi(f)
		if err != nil {
			return Shape{0}
		}
		s = append(s, d)
	}
	return s
}

func (o fill) Infer([]Sig) ([]Sig, error)         { return []Sig{f32(parseDims(o.Dims)...)}, nil }
func (o fill) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o fill) Lower(l *Lowerer, c *Call)          { l.fill(l.Ref(c.Out[0]), c.Out[0].Shape.Elems(), o.Value) }
func (l *Lowerer) fill(r Ref, n int, value float32) {
	l.flat("fill", nil, n, Args{"x": r}, backendU("value", value))
}

// add is y = a + C b.
type add struct{ C float32 }

// Add is a + b, equal shapes.
func Add(a, b *Node) *Node { return a.g.apply(add{1}, a, b)[0] }

// AddScaled is a + c b, equal shapes.
func AddScaled(a, b *Node, c float32) *Node { return a.g.apply(add{c}, a, b)[0] }

func (o add) Infer(in []Sig) ([]Sig, error) { return same2(in) }
func (o add) VJP(c *Call, dy []*Node, need []bool) []*Node {
	dx := []*Node{dy[0], nil}
	if need[1] {
		dx[1] = Scale(dy[0], o.C)
	}
	return dx
}
func (o add) Lower(l *Lowerer, c *Call) {
	for _, r := range l.together([]*Node{c.In[0], c.In[1], c.Out[0]}) {
		l.flat("add", nil, r.elems, Args{"a": r.refs[0], "b": r.refs[1], "y": r.refs[2]}, backendU("c", o.C))
	}
}

// mul is y = a b, elementwise.
type mul struct{}

// Mul is a b elementwise, equal shapes.
func Mul(a, b *Node) *Node { return a.g.apply(mul{}, a, b)[0] }

func (mul) Infer(in []Sig) ([]Sig, error) { return same2(in) }
func (mul) VJP(c *Call, dy []*Node, need []bool) []*Node {
	dx := make([]*Node, 2)
	for i := range dx {
		if need[i] {
			dx[i] = Mul(dy[0], c.In[1-i])
		}
	}
	return dx
}
func (mul) Lower(l *Lowerer, c *Call) {
	l.flat("mul", nil, c.Out[0].Shape.Elems(), Args{"a": l.Ref(c.In[0]), "b": l.Ref(c.In[1]), "y": l.Ref(c.Out[0])}, nil)
}

// scale is y = C x.
type scale struct{ C float32 }

// Scale is c x; x itself where c is 1.
func Scale(x *Node, c float32) *Node {
	if c == 1 {
		return x
	}
	return x.g.apply(scale{c}, x)[0]
}

func (o scale) Infer(in []Sig) ([]Sig, error) { return []Sig{in[0]}, dense("x", in[0]) }
func (o scale) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{Scale(dy[0], o.C)}
}
func (o scale) Lower(l *Lowerer, c *Call) {
	for _, r := range l.together([]*Node{c.In[0], c.Out[0]}) {
		l.flat("scale", nil, r.elems, Args{"x": r.refs[0], "y": r.refs[1]}, backendU("c", o.C))
	}
}

// activation is y = F(x).
type activation struct{ F Act }

// Activation applies f to each element.
func Activation(x *Node, f Act) *Node { return x.g.apply(activation{f}, x)[0] }

func (o activation) Infer(in []Sig) ([]Sig, error) {
	if o.F < GeLU || o.F > SiLU {
		return nil, fmt.Errorf("no activation %d", o.F)
	}
	return []Sig{in[0]}, dense("x", in[0])
}
func (o activation) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return c.In[0].g.apply(activationGrad{o.F}, c.In[0], dy[0])
}
func (o activation) Lower(l *Lowerer, c *Call) {
	l.flat("activation", shaders.Consts{"ACT": int(o.F)}, c.Out[0].Shape.Elems(), Args{"x": l.Ref(c.In[0]), "y": l.Ref(c.Out[0])}, nil)
}

// activationGrad is dx = dy F'(x).
type activationGrad struct{ F Act }

func (o activationGrad) Infer(in []Sig) ([]Sig, error)      { return same2(in) }
func (o activationGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o activationGrad) Lower(l *Lowerer, c *Call) {
	l.flat("activation_grad", shaders.Consts{"ACT": int(o.F)}, c.Out[0].Shape.Elems(),
		Args{"x": l.Ref(c.In[0]), "dy": l.Ref(c.In[1]), "dx": l.Ref(c.Out[0])}, nil)
}

// same2 checks two dense inputs of one shape.
func same2(in []Sig) ([]Sig, error) {
	for i, s := range in {
		if err := dense(fmt.Sprintf("input %d", i), s); err != nil {
			return nil, err
		}
	}
	return []Sig{in[0]}, wantShape("second input", in[0].Shape, in[1])
}
