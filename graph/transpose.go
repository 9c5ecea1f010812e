package graph

import (
	"fmt"
	"strings"

	"luthier/backend"
	"luthier/shaders"
)

// transpose is y[j, i] = x[i, j]; rows of y are padded to a multiple of 4.
type transpose struct{}

// Transpose turns x: [rows, cols] into [cols, rows]. Its rows are padded in memory; only MatMul takes it.
func Transpose(x *Node) *Node { return x.g.apply(transpose{}, x)[0] }

// transposed is the type of a transposed matrix.
func transposed(s Sig) Sig {
	t := Sig{Shape: Shape{s.Shape[1], s.Shape[0]}, DType: s.DType}
	if ld := up4(s.Shape[0]); ld != s.Shape[0] {
		t.LD = ld
	}
	return t
}

func (transpose) Infer(in []Sig) ([]Sig, error) {
	if len(in[0].Shape) != 2 || in[0].DType != backend.F32 {
		return nil, fmt.Errorf("input %v, want an f32 matrix", in[0])
	}
	return []Sig{transposed(in[0])}, nil
}
func (transpose) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	c.In[0].g.fail("Transpose has no gradient: passes insert it after Grad")
	return nil
}
func (transpose) Lower(l *Lowerer, c *Call) {
	x, y := c.In[0], c.Out[0]
	l.transpose(tile{X: l.Ref(x), Y: l.Ref(y), Rows: x.Shape[0], Cols: x.Shape[1], LDX: x.ld(), LDY: y.ld(), Batches: 1, Heads: 1})
}

// tile is one launch of kernel transpose: batch z of x lies at X0 + z / Heads * SXB + z % Heads * SXH, of y at Y0 + z * SY.
type tile struct {
	X, Y                 Ref
	BF16                 bool
	Rows, Cols           int
	LDX, LDY             int
	Batches, Heads       int
	X0, SXB, SXH, Y0, SY int
}

func (l *Lowerer) transpose(t tile) {
	c := shaders.Consts{}
	vec := true
	for _, n := range []int{t.LDX, t.LDY, t.X0, t.Y0, t.SXB, t.SXH, t.SY} {
		vec = vec && n%4 == 0
	}
	if t.BF16 {
		c["BF16"] = 1
	}
	if l.Software() && vec {
		c["V4"] = 1
	}
	k, err := shaders.Load("transpose", c)
	if err != nil {
		l.fail(err)
		return
	}
	x, y := k.Consts["TILEX"], k.Consts["TILEY"] // what one workgroup covers
	groups := [3]uint32{uint32((t.Cols + x - 1) / x), uint32((t.Rows + y - 1) / y), uint32(t.Batches)}
	l.Dispatch("transpose", c, groups, Args{"x": t.X, "y": t.Y}, backend.U{"rows": t.Rows, "cols": t.Cols, "ldx": t.LDX, "ldy": t.LDY,
		"heads": max(t.Heads, 1), "x0": t.X0, "sxb": t.SXB, "sxh": t.SXH, "y0": t.Y0, "sy": t.SY}, float64(t.Batches*t.Rows*t.Cols))
}

// reshape gives the same memory another shape.
type reshape struct{ Dims string }

// Reshape gives x the shape dims, of as many elements. It costs nothing.
func Reshape(x *Node, dims ...int) *Node {
	return x.g.apply(reshape{fmt.Sprint(dims)}, x)[0]
}

func (o reshape) Infer(in []Sig) ([]Sig, error) {
	s := parseDims(strings.Trim(o.Dims, "[]"))
	if s.Elems() != in[0].Shape.Elems() {
		return nil, &ShapeError{"reshape", in[0].Shape, s}
	}
	return []Sig{{Shape: s, DType: in[0].DType}}, nil
}
func (reshape) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	return []*Node{Reshape(dy[0], c.In[0].Shape...)}
}
func (reshape) Lower(*Lowerer, *Call) {}
