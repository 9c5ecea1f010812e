package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// Ignored is the label of a row that has no loss; any label at or above the number of classes counts as one.
const Ignored = 0xffffffff

// crossEntropy is the loss of given logits. Inputs: logits, labels, scale. Outputs: loss, rows, lse.
type crossEntropy struct{ Smoothing float32 }

// CrossEntropy is scale * sum over rows of -log softmax(logits)[label], with label smoothing as PyTorch has it. logits: [rows, classes],
// labels: u32 [rows], scale: [1] (1 / number of labels for a mean). Returns the loss [1] and each row's loss [rows] (0 where ignored).
func CrossEntropy(logits, labels, scale *Node, smoothing float32) (loss, rows *Node) {
	out := logits.g.apply(crossEntropy{smoothing}, logits, labels, scale)
	return out[0], out[1]
}

func lossSigs(rows int, labels, scale Sig) error {
	if err := integers("labels", labels); err != nil {
		return err
	}
	if err := wantShape("labels", Shape{rows}, labels); err != nil {
		return err
	}
	return wantShape("scale", Shape{1}, scale)
}

func (o crossEntropy) Infer(in []Sig) ([]Sig, error) {
	if err := dense("logits", in[0]); err != nil {
		return nil, err
	}
	n := in[0].Shape.Rows()
	return []Sig{f32(1), f32(n), f32(n)}, lossSigs(n, in[1], in[2])
}

func (o crossEntropy) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	s := seed(c, dy, c.In[2])
	if s == nil {
		return nil
	}
	return c.In[0].g.apply(crossEntropyGrad{o.Smoothing}, c.In[0], c.In[1], c.Out[2], s)
}

// seed is the scale of a loss times the gradient of its first output. The losses of the rows are for the host and have no gradient.
func seed(c *Call, dy []*Node, scale *Node) *Node {
	switch {
	case dy[1] != nil:
		c.In[0].g.fail("Grad: the row losses of %s (%s) have no gradient, only their sum has", opName(c.Op), c.Where)
		return nil
	case isOne(dy[0]):
		return scale
	}
	return Mul(dy[0], scale)
}

func (o crossEntropy) Lower(l *Lowerer, c *Call) {
	logits := c.In[0]
	n, v := logits.Shape.Rows(), logits.Shape.Last()
	stats := l.Temp(4 * n)
	l.lossStats(l.Ref(logits), l.Ref(c.In[1]), stats, n, v, v, 0, true)
	l.lossEnd(stats, c.In[1], c.In[2], n, v, o.Smoothing, c)
}

// lossStats takes one chunk of the vocabulary into the running maximum, sum, and so on of each row.
func (l *Lowerer) lossStats(logits, labels, stats Ref, rows, nc, ld, v0 int, first bool) {
	k := shaders.Consts{"FIRST": 0}
	if first {
		k["FIRST"] = 1
	}
	if ld%4 == 0 {
		k["V4"] = 1
	}
	l.rows("cross_entropy_stats", k, rows, Args{"logits": logits, "labels": labels, "stats": stats}, backend.U{"nc": nc, "ld": ld, "v0": v0})
}

// lossEnd makes loss, rows and lse, the outputs of c, from the statistics; where c has a fourth, also hits.
func (l *Lowerer) lossEnd(stats Ref, labels, scale *Node, rows, vocab int, smoothing float32, c *Call) {
	each := l.Ref(c.Out[1])
	k, args := shaders.Consts{}, Args{"stats": stats, "labels": l.Ref(labels), "loss": each, "lse": l.Ref(c.Out[2])}
	if len(c.Out) > 3 {
		k["HIT"], args["hit"] = 1, l.Ref(c.Out[3])
	}
	l.threads("cross_entropy_loss", k, rows, args, backend.U{"rows": rows, "vocab": vocab, "smoothing": smoothing}, float64(rows))
	l.scaledSum(each, rows, l.Ref(scale), l.Ref(c.Out[0]))
}

// scaledSum is out[0] = scale[0] * sum of x.
func (l *Lowerer) scaledSum(x Ref, n int, scale, out Ref) {
	t := l.Temp(4)
	l.sum(x, n, t, 0, 1)
	l.flat("mul", nil, 1, Args{"a": t, "b": scale, "y": out}, nil)
}

// sum is out[slot] = c * sum of x[0:n], by one workgroup.
func (l *Lowerer) sum(x Ref, n int, out Ref, slot int, c float32) {
	l.Dispatch("reduce_sum", l.treeWG(), [3]uint32{1, 1, 1}, Args{"x": x, "out": out}, backend.U{"n": n, "slot": slot, "c": c}, float64(n))
}

// treeWG is the workgroup size of kernels that reduce everything in one workgroup.
func (l *Lowerer) treeWG() shaders.Consts {
	if l.Software() {
		return shaders.Consts{"WG": 8}
	}
	return shaders.Consts{"WG": 256}
}

// crossEntropyGrad is dlogits. Inputs: logits, labels, lse, scale.
type crossEntropyGrad struct{ Smoothing float32 }

func (crossEntropyGrad) Infer(in []Sig) ([]Sig, error)      { return []Sig{in[0]}, nil }
func (crossEntropyGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o crossEntropyGrad) Lower(l *Lowerer, c *Call) {
	n, v := c.In[0].Shape.Rows(), c.In[0].Shape.Last()
	d := l.Ref(c.Out[0])
	l.flat("scale", nil, n*v, Args{"x": l.Ref(c.In[0]), "y": d}, backend.U{"c": float32(1)})
	l.lossGrad(d, l.Ref(c.In[1]), l.Ref(c.In[2]), l.Ref(c.In[3]), n, v, v, 0, v, o.Smoothing)
}

// lossGrad turns a chunk of logits into their gradient, in place.
func (l *Lowerer) lossGrad(logits, labels, lse, scale Ref, rows, nc, ld, v0, vocab int, smoothing float32) {
	k := shaders.Consts{}
	if ld%4 == 0 {
		k["V4"] = 1
	}
	l.rows("cross_entropy_grad", k, rows, Args{"logits": logits, "labels": labels, "lse": lse, "scale": scale},
		backend.U{"nc": nc, "ld": ld, "v0": v0, "vocab": vocab, "smoothing": smoothing})
}

// mse is the squared error. Inputs: pred, target, weight, scale. Outputs: loss, rows.
type mse struct{}

// MSE is scale * sum of weight^0/1 (pred - target)^2. pred: [rows, 1] or [rows], target, weight: [rows]; a weight of zero leaves a row out.
func MSE(pred, target, weight, scale *Node) (loss, rows *Node) {
	out := pred.g.apply(mse{}, pred, target, weight, scale)
	return out[0], out[1]
}

func (mse) Infer(in []Sig) ([]Sig, error) {
	n := in[0].Shape.Elems()
	for i, name := range []string{"target", "weight"} {
		if err := wantShape(name, Shape{n}, in[1+i]); err != nil {
			return nil, err
		}
	}
	if in[1].DType != backend.F32 || in[2].DType != backend.F32 {
		return nil, fmt.Errorf("target and weight must be f32")
	}
	return []Sig{f32(1), f32(n)}, wantShape("scale", Shape{1}, in[3])
}
func (mse) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	s := seed(c, dy, c.In[3])
	if s == nil {
		return nil
	}
	return c.In[0].g.apply(mseGrad{}, c.In[0], c.In[1], c.In[2], s)
}
func (mse) Lower(l *Lowerer, c *Call) {
	n := c.In[0].Shape.Elems()
	each := l.Ref(c.Out[1])
	l.threads("mse", nil, n, Args{"pred": l.Ref(c.In[0]), "targets": l.Ref(c.In[1]), "weight": l.Ref(c.In[2]),
		"loss": each}, backend.U{"n": n}, float64(n))
	l.scaledSum(each, n, l.Ref(c.In[3]), l.Ref(c.Out[0]))
}

// mseGrad is dpred. Inputs: pred, target, weight, scale.
type mseGrad struct{}

func (mseGrad) Infer(in []Sig) ([]Sig, error)      { return []Sig{in[0]}, nil }
func (mseGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (mseGrad) Lower(l *Lowerer, c *Call) {
	n := c.In[0].Shape.Elems()
	l.threads("mse_grad", nil, n, Args{"pred": l.Ref(c.In[0]), "targets": l.Ref(c.In[1]),
		"weight": l.Ref(c.In[2]), "scale": l.Ref(c.In[3]), "dp": l.Ref(c.Out[0])}, backend.U{"n": n}, float64(n))
}
