package graph

import (
	"fmt"
	"math"

	"luthier/backend"
)

// dropout zeroes elements with probability P and scales the rest by 1 / (1 - P).
type dropout struct {
	P    float32
	Salt uint32 // tells the dropouts of one program apart
}

// Dropout drops elements of x with probability p, which must be in [0, 1); x itself for p = 0. seed: u32 [4], of which the host changes
// the last two words each step. The mask is a function of (seed, salt, element) by Philox4x32-10 (Salmon et al. 2011), so backward and
// recomputation make it again.
func Dropout(x, seed *Node, p float32, salt uint32) *Node {
	if p == 0 {
		return x
	}
	return x.g.apply(dropout{p, salt}, x, seed)[0]
}

func (o dropout) Infer(in []Sig) ([]Sig, error) {
	if !(o.P >= 0 && o.P < 1) {
		return nil, fmt.Errorf("probability %g, want one in [0, 1)", o.P)
	}
	if err := integers("seed", in[1]); err != nil {
		return nil, err
	}
	if err := wantShape("seed", Shape{4}, in[1]); err != nil {
		return nil, err
	}
	return []Sig{in[0]}, dense("x", in[0])
}
func (o dropout) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{dy[0].g.apply(o, dy[0], c.In[1])[0], nil}
}
func (o dropout) Lower(l *Lowerer, c *Call) {
	l.dropout(l.Ref(c.In[0]), l.Ref(c.Out[0]), l.Ref(c.In[1]), c.Out[0].Shape.Elems(), o.P, o.Salt)
}

func (l *Lowerer) dropout(x, y, seed Ref, n int, p float32, salt uint32) {
	threshold := uint32(math.Min(float64(p)*math.Ldexp(1, 32), math.MaxUint32))
	l.flat("dropout", nil, n, Args{"x": x, "seed": seed, "y": y},
		backend.U{"salt": salt, "threshold": threshold, "scale": float32(1 / (1 - float64(p)))})
}
