package graph

// swiglu is y = silu(gate) up.
type swiglu struct{}

// SwiGLU is silu(gate) * up, elementwise (Shazeer 2020).
func SwiGLU(gate, up *Node) *Node { return gate.g.apply(swiglu{}, gate, up)[0] }

func (swiglu) Infer(in []Sig) ([]Sig, error) { return same2(in) }
func (swiglu) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return c.In[0].g.apply(swigluGrad{}, c.In[0], c.In[1], dy[0])
}
func (swiglu) Lower(l *Lowerer, c *Call) {
	l.flat("swiglu", nil, c.Out[0].Shape.Elems(), Args{"g": l.Ref(c.In[0]), "u": l.Ref(c.In[1]), "y": l.Ref(c.Out[0])}, nil)
}

// swigluGrad is (dgate, dup). Inputs: gate, up, dy.
type swigluGrad struct{}

func (swigluGrad) Infer(in []Sig) ([]Sig, error) {
	if _, err := same2(in[:2]); err != nil {
		return nil, err
	}
	return []Sig{in[0], in[0]}, wantShape("dy", in[0].Shape, in[2])
}
func (swigluGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (swigluGrad) Lower(l *Lowerer, c *Call) {
	l.flat("swiglu_grad", nil, c.Out[0].Shape.Elems(), Args{"g": l.Ref(c.In[0]), "u": l.Ref(c.In[1]), "dy": l.Ref(c.In[2]),
		"dg": l.Ref(c.Out[0]), "du": l.Ref(c.Out[1])}, nil)
}
