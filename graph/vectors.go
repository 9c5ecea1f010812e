package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

func backendU(name string, v any) backend.U { return backend.U{name: v} }

// addVec is y = x + v, v along each row.
type addVec struct{ Pair bool }

// AddVec adds the vector v: [d] to each row of x: [rows, d]. A bias.
func AddVec(x, v *Node) *Node { return x.g.apply(addVec{}, x, v)[0] }

func vecSigs(in []Sig, pair bool) ([]Sig, error) {
	if err := dense("x", in[0]); err != nil {
		return nil, err
	}
	if err := dense("vector", in[1]); err != nil {
		return nil, err
	}
	want := Shape{in[0].Shape.Last()}
	if pair {
		want = Shape{2, up4(in[0].Shape.Last())}
	}
	return []Sig{in[0]}, wantShape("vector", want, in[1])
}

func (o addVec) Infer(in []Sig) ([]Sig, error) { return vecSigs(in, o.Pair) }
func (addVec) VJP(c *Call, dy []*Node, need []bool) []*Node {
	dx := []*Node{dy[0], nil}
	if need[1] {
		dx[1] = ColSum(dy[0])
	}
	return dx
}
func (o addVec) Lower(l *Lowerer, c *Call) { vecLower(l, c, "add_vec", o.Pair) }

// mulVec is y = x v, v along each row.
type mulVec struct{ Pair bool }

// MulVec multiplies each row of x: [rows, d] by the vector v: [d]. (IA)3's scale.
func MulVec(x, v *Node) *Node { return x.g.apply(mulVec{}, x, v)[0] }

func (o mulVec) Infer(in []Sig) ([]Sig, error) { return vecSigs(in, o.Pair) }
func (mulVec) VJP(c *Call, dy []*Node, need []bool) []*Node {
	dx := make([]*Node, 2)
	if need[0] {
		dx[0] = MulVec(dy[0], c.In[1])
	}
	if need[1] {
		if c.In[0].Shape.Last()%4 != 0 {
			dx[1] = ColSum(Mul(dy[0], c.In[0]))
		} else {
			dx[1] = dy[0].g.apply(mulVecGrad{}, c.In[0], dy[0])[0]
		}
	}
	return dx
}
func (o mulVec) Lower(l *Lowerer, c *Call) { vecLower(l, c, "mul_vec", o.Pair) }

// mulVecGrad is dv[j] = sum over rows of x[i, j] dy[i, j], in one pass over both. Inputs: x, dy.
type mulVecGrad struct{}

func (mulVecGrad) Infer(in []Sig) ([]Sig, error) {
	if _, err := same2(in); err != nil {
		return nil, err
	}
	return []Sig{f32(in[0].Shape.Last())}, nil
}
func (mulVecGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (mulVecGrad) Lower(l *Lowerer, c *Call) {
	rows, n := c.In[0].Shape.Rows(), c.In[0].Shape.Last()
	blocks := (rows + blockRows - 1) / blockRows
	y := l.Ref(c.Out[0])
	if blocks > 1 {
		y = l.Temp(blocks * n)
	}
	l.Dispatch("mul_col_sum", l.wg(nil), [3]uint32{uint32((n/4 + l.WG() - 1) / l.WG()), uint32(blocks), 1},
		Args{"x": l.Ref(c.In[0]), "dy": l.Ref(c.In[1]), "y": y}, backend.U{"rows": rows, "n4": n / 4, "per": blockRows}, float64(2*rows*n))
	if blocks > 1 {
		l.colSumOnce(y, blocks, n, blocks, 1, l.Ref(c.Out[0]))
	}
}

// vecLower runs the vec4 kernel, or the scalar one where rows are no multiple of 4.
func vecLower(l *Lowerer, c *Call, kernel string, pair bool) {
	x := c.In[0]
	d := x.Shape.Last()
	args := Args{"x": l.Ref(x), "v": l.Ref(c.In[1]), "y": l.Ref(c.Out[0])}
	if d%4 != 0 {
		n := x.Shape.Elems()
		if pair {
			l.fail(fmt.Errorf("vectors of %d elements have no pairs, want a multiple of 4: use --pairs apart", d))
		}
		l.threads(kernel+"_any", nil, n, args, backend.U{"n": n, "d": d}, float64(n))
		return
	}
	u := backend.U{"d4": d / 4}
	l.flat(kernel, pairConsts(pair, x.Shape.Elems()/4, u), x.Shape.Elems(), args, u)
}

// colSum is y[j] = sum over rows of x[i, j].
type colSum struct{}

// ColSum sums the rows of x: [rows, d] to [d]. The gradient of a bias. Blocks of rows first, then the blocks, in fixed order.
func ColSum(x *Node) *Node { return x.g.apply(colSum{}, x)[0] }

func (colSum) Infer(in []Sig) ([]Sig, error) {
	return []Sig{f32(in[0].Shape.Last())}, dense("x", in[0])
}
func (colSum) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{AddVec(dy[0].g.Fill(0, c.In[0].Shape...), dy[0])}
}
func (colSum) Lower(l *Lowerer, c *Call) {
	x := c.In[0]
	l.colSum(l.Ref(x), x.Shape.Rows(), x.Shape.Last(), l.Ref(c.Out[0]))
}

// blockRows is how many rows one thread of a partial column sum goes through.
const blockRows = 64

// colSum finishes [rows, d] partial sums into y: [d].
func (l *Lowerer) colSum(x Ref, rows, d int, y Ref) {
	blocks := (rows + blockRows - 1) / blockRows
	if blocks > 1 {
		part := l.Temp(blocks * d)
		l.colSumOnce(x, rows, d, blockRows, blocks, part)
		x, rows = part, blocks
	}
	l.colSumOnce(x, rows, d, rows, 1, y)
}

func (l *Lowerer) colSumOnce(x Ref, rows, d, per, blocks int, y Ref) {
	wg := l.WG()
	if d%4 != 0 {
		l.Dispatch("col_sum_any", l.wg(nil), [3]uint32{uint32((d + wg - 1) / wg), uint32(blocks), 1}, Args{"x": x, "y": y},
			backend.U{"rows": rows, "n": d, "per": per}, float64(rows*d))
		return
	}
	n4 := d / 4
	l.Dispatch("col_sum", l.wg(shaders.Consts{}), [3]uint32{uint32((n4 + wg - 1) / wg), uint32(blocks), 1}, Args{"x": x, "y": y},
		backend.U{"rows": rows, "n4": n4, "ld4": n4, "per": per}, float64(rows*d))
}
