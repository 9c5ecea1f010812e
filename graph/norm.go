package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// norm is LayerNorm or, with RMS, RMSNorm. Inputs: x, gamma, and beta for LayerNorm. Outputs: y and what backward needs: (mean, rstd) or
// rstd of each row.
type norm struct {
	RMS  bool
	Eps  float32
	Pair bool // gamma and beta have a row for each half of the rows of x
}

// RMSNorm is gamma x / sqrt(mean(x^2) + eps) by rows (Zhang and Sennrich 2019). x: [rows, d], gamma: [d].
func RMSNorm(x, gamma *Node, eps float32) *Node {
	return x.g.apply(norm{RMS: true, Eps: eps}, x, gamma)[0]
}

// LayerNorm is gamma (x - mean) / sqrt(var + eps) + beta by rows (Ba et al. 2016). x: [rows, d], gamma, beta: [d].
func LayerNorm(x, gamma, beta *Node, eps float32) *Node {
	return x.g.apply(norm{Eps: eps}, x, gamma, beta)[0]
}

func (o norm) Infer(in []Sig) ([]Sig, error) {
	x := in[0].Shape
	if err := dense("x", in[0]); err != nil {
		return nil, err
	}
	for _, v := range in[1:] {
		want := Shape{x.Last()}
		if o.Pair {
			want = Shape{2, x.Last()}
		}
		if err := wantShape("gamma or beta", want, v); err != nil {
			return nil, err
		}
	}
	if x.Last()%4 != 0 {
		return nil, fmt.Errorf("rows of %d elements, want a multiple of 4", x.Last())
	}
	if o.RMS {
		return []Sig{in[0], f32(x.Rows())}, nil
	}
	return []Sig{in[0], f32(x.Rows(), 2)}, nil
}

func (o norm) VJP(c *Call, dy []*Node, need []bool) []*Node {
	g, x, stats := c.In[0].g, c.In[0], c.Out[1]
	dx := make([]*Node, len(c.In))
	if need[0] {
		dx[0] = g.apply(normGrad{o.RMS}, x, c.In[1], stats, dy[0])[0]
	}
	if need[1] || (!o.RMS && need[2]) {
		copy(dx[1:], g.apply(normParamGrad{o.RMS}, x, stats, dy[0]))
	}
	return dx
}

func (o norm) Lower(l *Lowerer, c *Call) {
	x := c.In[0]
	args := Args{"x": l.Ref(x), "gamma": l.Ref(c.In[1]), "y": l.Ref(c.Out[0])}
	u := backend.U{"d4": x.Shape.Last() / 4, "eps": o.Eps}
	k := pairConsts(o.Pair, x.Shape.Rows(), u)
	if o.RMS {
		args["rstd"] = l.Ref(c.Out[1])
		l.rows("rms_norm", k, x.Shape.Rows(), args, u)
		return
	}
	args["beta"], args["stats"] = l.Ref(c.In[2]), l.Ref(c.Out[1])
	l.rows("layer_norm", k, x.Shape.Rows(), args, u)
}

// normGrad is dx. Inputs: x, gamma, stats, dy.
type normGrad struct{ RMS bool }

func (normGrad) Infer(in []Sig) ([]Sig, error) {
	return []Sig{in[0]}, wantShape("dy", in[0].Shape, in[3])
}
func (normGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o normGrad) Lower(l *Lowerer, c *Call) {
	x := c.In[0]
	kernel, stats := "layer_norm_grad", "stats"
	if o.RMS {
		kernel, stats = "rms_norm_grad", "rstd"
	}
	l.rows(kernel, nil, x.Shape.Rows(), Args{"x": l.Ref(x), "gamma": l.Ref(c.In[1]), stats: l.Ref(c.In[2]), "dy": l.Ref(c.In[3]),
		"dx": l.Ref(c.Out[0])}, backend.U{"d4": x.Shape.Last() / 4})
}

// normParamGrad is dgamma, and dbeta for LayerNorm. Inputs: x, stats, dy.
type normParamGrad struct{ RMS bool }

func (o normParamGrad) Infer(in []Sig) ([]Sig, error) {
	d := f32(in[0].Shape.Last())
	if o.RMS {
		return []Sig{d}, nil
	}
	return []Sig{d, d}, nil
}
func (normParamGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o normParamGrad) Lower(l *Lowerer, c *Call) {
	x := c.In[0]
	rows, d := x.Shape.Rows(), x.Shape.Last()
	blocks := (rows + blockRows - 1) / blockRows
	groups := [3]uint32{uint32((d/4 + l.WG() - 1) / l.WG()), uint32(blocks), 1}
	args := Args{"x": l.Ref(x), "stats": l.Ref(c.In[1]), "dy": l.Ref(c.In[2])}
	names, beta := []string{"dgamma", "dbeta"}, 1
	if o.RMS {
		names, beta = names[:1], 0
	}
	partial := map[string]Ref{}
	for i, name := range names {
		if blocks == 1 {
			args[name] = l.Ref(c.Out[i])
		} else {
			partial[name] = l.Temp(blocks * d)
			args[name] = partial[name]
		}
	}
	l.Dispatch("norm_param_grad", l.wg(shaders.Consts{"BETA": beta}), groups, args, backend.U{"rows": rows, "d4": d / 4, "per": blockRows}, float64(rows*d))
	for i, name := range names {
		if blocks > 1 {
			l.colSumOnce(partial[name], blocks, d, blocks, 1, l.Ref(c.Out[i]))
		}
	}
}
