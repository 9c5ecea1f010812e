package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// rope rotates pairs of elements by the row's position; Inverse rotates back.
type rope struct {
	Heads   int
	Inverse bool
}

// Rope is the rotary embedding in rotate-half layout, as Hugging Face's Llama has it (Su et al. 2021). x: [rows, heads * D], positions:
// u32 [rows], table: [positions, D] with D/2 cosines and then D/2 sines in a row; scaled frequencies are the table's affair.
func Rope(x, positions, table *Node, heads int) *Node {
	return x.g.apply(rope{heads, false}, x, positions, table)[0]
}

func (o rope) Infer(in []Sig) ([]Sig, error) {
	if err := dense("x", in[0]); err != nil {
		return nil, err
	}
	if err := integers("positions", in[1]); err != nil {
		return nil, err
	}
	d := in[2].Shape.Last()
	if in[0].Shape.Last() != o.Heads*d || d%2 != 0 {
		return nil, fmt.Errorf("rows of %d elements, want %d heads of %d", in[0].Shape.Last(), o.Heads, d)
	}
	return []Sig{in[0]}, wantShape("positions", Shape{in[0].Shape.Rows()}, in[1])
}

func (o rope) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{dy[0].g.apply(rope{o.Heads, !o.Inverse}, dy[0], c.In[1], c.In[2])[0], nil, nil}
}

func (o rope) Lower(l *Lowerer, c *Call) {
	x := c.In[0]
	rows, half := x.Shape.Rows(), c.In[2].Shape.Last()/2
	consts, n, sign := shaders.Consts{}, rows*o.Heads*half, float32(1)
	if half%4 == 0 {
		consts["V4"], n = 1, n/4
	}
	if o.Inverse {
		sign = -1
	}
	l.threads("rope", consts, n, Args{"x": l.Ref(x), "positions": l.Ref(c.In[1]), "table": l.Ref(c.In[2]),
		"y": l.Ref(c.Out[0])}, backend.U{"rows": rows, "heads": o.Heads, "pairs": half, "ldx": x.Shape.Last(), "x0": 0, "sgn": sign}, float64(4*n))
}
