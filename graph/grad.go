package graph

import "luthier/backend"

// Grad adds the backward pass: the gradient of the scalar loss with respect to each node of wrt, nil where it does not depend on one.
// Reverse-mode: calls are visited backwards and each Op builds its vector-Jacobian product; gradients of a value used several times add
// up in the order of visiting, which is fixed.
func (g *Graph) Grad(loss *Node, wrt []*Node) []*Node {
	out := make([]*Node, len(wrt))
	if g.err != nil || loss == nil {
		return out
	}
	if loss.Shape.Elems() != 1 {
		g.fail("Grad: the loss has shape %v, want one element", loss.Shape)
		return out
	}
	for _, w := range wrt {
		if w != nil && w.DType != backend.F32 {
			g.fail("Grad: %v is stored as %s; only f32 weights are trained by gradients", w, w.DType)
			return out
		}
	}
	needs := g.reaches(wrt)
	grads := map[*Node]*Node{loss: g.ones(loss.Shape)}
	scope, block := g.scope, g.block
	defer func() { g.scope, g.block = scope, block }()
	g.block = 0
	forward := len(g.calls)
	for i := forward - 1; i >= 0; i-- {
		c := g.calls[i]
		dy, any := make([]*Node, len(c.Out)), false
		for j, o := range c.Out {
			dy[j] = grads[o]
			any = any || dy[j] != nil
		}
		need, some := make([]bool, len(c.In)), false
		for j, in := range c.In {
			need[j] = needs[in]
			some = some || need[j]
		}
		if !any || !some {
			continue
		}
		g.scope = []string{c.Scope}
		dx := c.Op.VJP(c, dy, need)
		if len(dx) == 0 {
			g.fail("Grad: %s (%s) has no gradient", opName(c.Op), c.Where)
			return out
		}
		for j, in := range c.In {
			if j < len(dx) && dx[j] != nil && need[j] {
				grads[in] = g.sum(grads[in], dx[j])
			}
		}
	}
	for _, c := range g.calls[forward:] {
		c.grad = true
	}
	for i, n := range wrt {
		out[i] = grads[n]
	}
	return out
}

func (g *Graph) sum(a, b *Node) *Node {
	if a == nil {
		return b
	}
	return Add(a, b)
}

// reaches marks the values that depend on a node of wrt.
func (g *Graph) reaches(wrt []*Node) map[*Node]bool {
	m := map[*Node]bool{}
	for _, n := range wrt {
		m[n] = true
	}
	for _, c := range g.calls {
		for _, in := range c.In {
			if m[in] {
				for _, o := range c.Out {
					m[o] = true
				}
				break
			}
		}
	}
	return m
}

// ones is the gradient of the loss by itself. Ops that meet it skip the multiplication by one.
func (g *Graph) ones(s Shape) *Node {
	g.one = g.Fill(1, s...)
	return g.one
}

// isOne tells whether a gradient is the seed itself.
func isOne(n *Node) bool { return n != nil && n.g.one == n }
