package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// AnchorPrefix starts the name of the state that keeps a trained weight as it was.
const AnchorPrefix = "anchor."

// Anchor declares the state that keeps a trained leaf, in the form in which the leaf lies, as CopyTo left it.
func (g *Graph) Anchor(n *Node) *Node {
	l := Leaf{Name: AnchorPrefix + n.leaf.Name, Kind: State}
	if n.leaf.Of != "" {
		l.Of, l.From = AnchorPrefix+n.leaf.Of, n.leaf.From
	}
	return g.leafOf(l, n.Sig)
}

// toAnchors makes every use of a numbered trained weight a use of its anchor.
func toAnchors(r *rewriter) {
	for _, c := range r.calls {
		for i, in := range c.In {
			if _, numbered := r.noise.leafNoise(in); numbered {
				c.In[i] = r.Anchor(in)
			}
		}
	}
	r.uses = nil
}

// copyTo is state = x, bit for bit. Inputs: state, x.
type copyTo struct{}

// CopyTo copies leaf x to a state of its type, in place.
func CopyTo(state, x *Node) { x.g.apply(copyTo{}, state, x) }

func (copyTo) Infer(in []Sig) ([]Sig, error) {
	if !in[0].Shape.Equal(in[1].Shape) || in[0].DType != in[1].DType || in[0].LD != in[1].LD {
		return nil, fmt.Errorf("%v cannot be copied to %v", in[1], in[0])
	}
	return nil, nil
}
func (copyTo) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (copyTo) Updates() []int                     { return []int{0} }
func (copyTo) Lower(l *Lowerer, c *Call) {
	k := shaders.Consts{}
	if c.In[0].DType == backend.BF16 {
		k["BF16"] = 1
	}
	from := l.Parts(c.In[1])
	for i, p := range l.Parts(c.In[0]) {
		l.flat("copy", k, p.Rows*c.In[0].ld(), Args{"x": from[i].Ref, "y": p.Ref}, nil)
	}
}
