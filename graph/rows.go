package graph

import (
	"fmt"

	"luthier/backend"
)

// gatherRows is y[r] = x[idx[r]].
type gatherRows struct{}

// GatherRows picks rows of x: [n, d] by idx: u32 [rows], all different: first-token and last-token pooling.
func GatherRows(x, idx *Node) *Node { return x.g.apply(gatherRows{}, x, idx)[0] }

func (gatherRows) Infer(in []Sig) ([]Sig, error) {
	if err := rowsOf4(in[0]); err != nil {
		return nil, err
	}
	return []Sig{f32(in[1].Shape.Elems(), in[0].Shape.Last())}, integers("idx", in[1])
}
func (gatherRows) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{dy[0].g.apply(scatterRows{c.In[0].Shape.Rows()}, dy[0], c.In[1])[0], nil}
}
func (gatherRows) Lower(l *Lowerer, c *Call) {
	l.rows("gather_rows", nil, c.In[1].Shape.Elems(), Args{"x": l.Ref(c.In[0]), "idx": l.Ref(c.In[1]), "y": l.Ref(c.Out[0])},
		backend.U{"d4": c.In[0].Shape.Last() / 4})
}

// scatterRows is y[idx[r]] = x[r], zero elsewhere.
type scatterRows struct{ N int }

func (o scatterRows) Infer(in []Sig) ([]Sig, error) {
	if err := rowsOf4(in[0]); err != nil {
		return nil, err
	}
	return []Sig{f32(o.N, in[0].Shape.Last())}, integers("idx", in[1])
}
func (scatterRows) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{GatherRows(dy[0], c.In[1]), nil}
}
func (o scatterRows) Lower(l *Lowerer, c *Call) {
	y := l.Ref(c.Out[0])
	l.fill(y, c.Out[0].Shape.Elems(), 0)
	l.rows("scatter_rows", nil, c.In[0].Shape.Rows(), Args{"x": l.Ref(c.In[0]), "idx": l.Ref(c.In[1]), "y": y},
		backend.U{"d4": c.In[0].Shape.Last() / 4})
}

// writeRows is state[idx[r]] = x[r], in place.
type writeRows struct{}

// WriteRows writes the rows of x: [rows, d] to rows idx: u32 [rows] of a state: [n, d]: a key/value cache. Calls made after it see them.
func WriteRows(state, idx, x *Node) {
	x.g.apply(writeRows{}, state, idx, x)
}

func (writeRows) Infer(in []Sig) ([]Sig, error) {
	if err := rowsOf4(in[0]); err != nil {
		return nil, err
	}
	if err := wantShape("x", Shape{in[1].Shape.Elems(), in[0].Shape.Last()}, in[2]); err != nil {
		return nil, err
	}
	return nil, integers("idx", in[1])
}
func (writeRows) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (writeRows) Updates() []int                     { return []int{0} }
func (writeRows) Lower(l *Lowerer, c *Call) {
	l.rows("scatter_rows", nil, c.In[2].Shape.Rows(), Args{"x": l.Ref(c.In[2]), "idx": l.Ref(c.In[1]), "y": l.Ref(c.In[0])},
		backend.U{"d4": c.In[0].Shape.Last() / 4})
}

// meanPool averages the unmasked rows of each sequence.
type meanPool struct{}

// MeanPool averages over tokens. x: [B*T, d], mask: u32 [B, T] -> [B, d]. A row without tokens gives zeros.
func MeanPool(x, mask *Node) *Node { return x.g.apply(meanPool{}, x, mask)[0] }

func (meanPool) Infer(in []Sig) ([]Sig, error) {
	if err := rowsOf4(in[0]); err != nil {
		return nil, err
	}
	if err := integers("mask", in[1]); err != nil {
		return nil, err
	}
	if len(in[1].Shape) != 2 || in[1].Shape.Elems() != in[0].Shape.Rows() {
		return nil, fmt.Errorf("mask %v for %v", in[1], in[0])
	}
	return []Sig{f32(in[1].Shape[0], in[0].Shape.Last())}, nil
}
func (meanPool) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{dy[0].g.apply(meanPoolGrad{}, dy[0], c.In[1])[0], nil}
}
func (meanPool) Lower(l *Lowerer, c *Call) {
	poolLower(l, "mean_pool", c.In[1], c.In[0], "x", c.Out[0], "y")
}

// meanPoolGrad spreads dy: [B, d] over the unmasked rows.
type meanPoolGrad struct{}

func (meanPoolGrad) Infer(in []Sig) ([]Sig, error) {
	return []Sig{f32(in[1].Shape.Elems(), in[0].Shape.Last())}, nil
}
func (meanPoolGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (meanPoolGrad) Lower(l *Lowerer, c *Call) {
	poolLower(l, "mean_pool_grad", c.In[1], c.In[0], "dy", c.Out[0], "dx")
}

func poolLower(l *Lowerer, kernel string, mask, in *Node, inName string, out *Node, outName string) {
	b, t, d4 := mask.Shape[0], mask.Shape[1], in.Shape.Last()/4
	groups := [3]uint32{uint32((d4 + l.WG() - 1) / l.WG()), uint32(b), 1}
	l.Dispatch(kernel, l.wg(nil), groups, Args{inName: l.Ref(in), "mask": l.Ref(mask), outName: l.Ref(out)}, backend.U{"b": b, "t": t, "d4": d4}, float64(b*t*d4*4))
}

func rowsOf4(s Sig) error {
	if s.Shape.Last()%4 != 0 {
		return fmt.Errorf("rows of %d elements, want a multiple of 4", s.Shape.Last())
	}
	return dense("x", s)
}
