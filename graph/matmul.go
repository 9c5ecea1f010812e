package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// matmul is y = act(Alpha op(a) op(b) + bias) + residual. Constructors make the bare product; pass fuse fills in the rest.
// Inputs: a, b, then bias if Bias, then residual if Res. Outputs: y, then the value before the activation if Pre.
type matmul struct {
	TA, TB, Bias, Res, Pre bool
	Act                    Act
	Alpha                  float32
	Noise                  noisy // of b; the table is the last input
	Pair                   bool  // two halves of rows, each with its own scalar of the noise
	PairBias               bool  // and its own bias
}

// MatMul is op(a) op(b), where op transposes the last two dimensions if its flag is set. a: [m, k], b: [k, n]; or both with a leading
// batch dimension. b may be a bf16 weight. The sum over k is f32, in the order of k.
func MatMul(a, b *Node, ta, tb bool) *Node {
	return a.g.apply(matmul{TA: ta, TB: tb, Alpha: 1}, a, b)[0]
}

// Linear is x w^T + bias, PyTorch's layout. x: [rows, in], w: [out, in], bias: [out] or nil.
func Linear(x, w, bias *Node) *Node {
	y := MatMul(x, w, false, true)
	if bias != nil {
		y = AddVec(y, bias)
	}
	return y
}

// dims of the product: batches, m, n, k.
func (o matmul) dims(in []Sig) (z, m, n, k int, err error) {
	a, b := in[0].Shape, in[1].Shape
	if len(a) != len(b) || len(a) < 2 || len(a) > 3 {
		return 0, 0, 0, 0, fmt.Errorf("shapes %v and %v, want two matrices or two stacks of matrices", a, b)
	}
	z = 1
	if len(a) == 3 {
		if z = a[0]; b[0] != z {
			return 0, 0, 0, 0, &ShapeError{"batches of b", Shape{z}, Shape{b[0]}}
		}
		a, b = a[1:], b[1:]
	}
	m, k = a[0], a[1]
	if o.TA {
		m, k = k, m
	}
	kb, n := b[0], b[1]
	if o.TB {
		kb, n = n, kb
	}
	if kb != k {
		return 0, 0, 0, 0, fmt.Errorf("inner dimensions differ: a %v has %d, b %v has %d", in[0], k, in[1], kb)
	}
	return z, m, n, k, nil
}

func (o matmul) Infer(in []Sig) ([]Sig, error) {
	z, m, n, _, err := o.dims(in)
	if err != nil {
		return nil, err
	}
	if in[0].DType != backend.F32 || in[1].DType == backend.U32 {
		return nil, fmt.Errorf("storage types %s and %s, want f32 and f32 or bf16", in[0].DType, in[1].DType)
	}
	out := f32(m, n)
	if len(in[0].Shape) == 3 {
		out = f32(z, m, n)
	}
	i := 2
	if o.Bias {
		want := Shape{n}
		if o.PairBias {
			want = Shape{2, up4(n)}
		}
		if err := wantShape("bias", want, in[i]); err != nil {
			return nil, err
		}
		i++
	}
	if o.Res {
		if err := wantShape("residual", out.Shape, in[i]); err != nil {
			return nil, err
		}
	}
	if o.Pre {
		return []Sig{out, out}, nil
	}
	return []Sig{out}, nil
}

// VJP is built before pass fuse, so only the bare product has one.
func (o matmul) VJP(c *Call, dy []*Node, need []bool) []*Node {
	a, b, d := c.In[0], c.In[1], dy[0]
	g := a.g
	if o.Bias || o.Res || o.Act != 0 || o.Alpha != 1 || o.Noise.on() {
		g.fail("MatMul: gradient of a fused product")
		return nil
	}
	dx := make([]*Node, 2)
	if need[0] {
		if o.TA {
			dx[0] = MatMul(b, d, o.TB, true)
		} else {
			dx[0] = MatMul(d, b, false, !o.TB)
		}
	}
	if need[1] {
		if o.TB {
			dx[1] = MatMul(d, a, true, o.TA)
		} else {
			dx[1] = MatMul(a, d, !o.TA, false)
		}
	}
	return dx
}

func (o matmul) Lower(l *Lowerer, c *Call) {
	in := []Sig{c.In[0].Sig, c.In[1].Sig}
	z, m, n, k, err := o.dims(in)
	if err != nil {
		l.fail(err)
		return
	}
	p := product{TA: o.TA, TB: o.TB, BF16: in[1].DType == backend.BF16, Act: o.Act, Alpha: o.Alpha, Batches: z, Heads: 1, M: m, N: n, K: k,
		A: l.Ref(c.In[0]), LDA: in[0].ld(), LDB: in[1].ld(), LDC: n, SAB: in[0].store() / z, SBB: in[1].store() / z, SCB: m * n}
	if o.Bias {
		p.Bias = l.Ref(c.In[2])
	}
	var table *Node
	rest := c.In
	if o.Noise.on() {
		rest, table = rest[:len(rest)-1], rest[len(rest)-1]
	}
	if o.Pair {
		p.halves(o.PairBias)
	}
	like := []*Node{c.Out[0]} // what lies as the product does
	if o.Pre {
		like = append(like, c.Out[1])
	}
	if o.Res {
		like = append(like, rest[len(rest)-1])
	}
	parts, b := l.Parts(c.Out[0]), l.Parts(c.In[1])
	if len(parts) > 1 && z > 1 {
		l.Ref(c.Out[0]) // fails
		return
	}
	for i, r := range l.together(like) {
		q := p
		q.C = r.refs[0]
		if o.Pre {
			q.Pre = r.refs[1]
		}
		if o.Res {
			q.Res = r.refs[len(r.refs)-1]
		}
		if len(parts) > 1 { // the gradient of a large weight
			q.M = parts[i].Rows
			q.A0 = parts[i].Row0 * q.LDA
			if o.TA {
				q.A0 = parts[i].Row0
			}
		}
		l.whole(q, b, &perturbation{o.Noise, c.In[1], table})
	}
}

// whole multiplies by a b that lies in one binding or several.
func (l *Lowerer) whole(p product, b []Part, n *perturbation) {
	if len(b) == 1 {
		p.B = b[0].Ref
		l.noisyProduct(p, n, b[0])
		return
	}
	l.split(p, b, n)
}

// activated is split for a sum that an activation follows: the sum first, then what a single product does on its way out.
func (l *Lowerer) activated(p product, parts []Part, pn *perturbation) {
	n := p.M * p.N
	y, z, h := p, p.Pre, p.C
	if z.s == nil {
		z = l.Temp(n)
	}
	y.C, y.Act, y.Res, y.Pre = z, 0, Ref{}, Ref{}
	l.split(y, parts, pn)
	if p.Res.s != nil {
		h = l.Temp(n)
	}
	l.flat("activation", shaders.Consts{"ACT": int(p.Act)}, n, Args{"x": z, "y": h}, nil)
	if p.Res.s != nil {
		l.flat("add", nil, n, Args{"a": h, "b": p.Res, "y": p.C}, backend.U{"c": float32(1)})
	}
}

// split multiplies by a weight that lies in several bindings: its rows are columns of the product (TB) or terms of the sum.
func (l *Lowerer) split(p product, parts []Part, n *perturbation) {
	if p.Batches > 1 && !p.halved() {
		l.fail(fmt.Errorf("a stack of matrices in %d bindings; only a single matrix can be split", len(parts)))
		return
	}
	if p.Act != 0 && !p.TB {
		l.activated(p, parts, n)
		return
	}
	whole := p
	for i, part := range parts {
		q := whole
		q.B = part.Ref
		if p.TB {
			q.N, q.C0, q.Bias0 = part.Rows, part.Row0, part.Row0
		} else {
			q.K = part.Rows
			if p.TA {
				q.A0 += part.Row0 * p.LDA
			} else {
				q.A0 += part.Row0
			}
			last := i == len(parts)-1
			if !last {
				q.Bias, q.Res, q.Pre, q.Act = Ref{}, Ref{}, Ref{}, 0
			}
			q.Acc = i > 0
		}
		l.noisyProduct(q, n, part)
	}
}
