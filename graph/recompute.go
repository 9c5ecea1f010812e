package graph

// recompute drops the values inside each block that only the backward pass still wants, and runs the calls that made them again just
// before their first use there. What a block takes in and gives out is kept. (Chen et al. 2016, "Training Deep Nets with Sublinear
// Memory Cost", with one segment a block.) Dropout repeats its mask, since its generator is counter-based.
func recompute(r *rewriter) {
	if !r.recompute {
		return
	}
	inside := map[int][]*Call{}
	for _, c := range r.calls {
		if _, updates := c.Op.(updater); c.Block > 0 && !c.grad && !updates {
			inside[c.Block] = append(inside[c.Block], c)
		}
	}
	before := map[*Call][]*Call{} // clones to insert before a call
	for b := 1; b <= r.blocks; b++ {
		at, clones := r.again(inside[b])
		if at != nil {
			before[at] = append(before[at], clones...)
		}
	}
	var out []*Call
	for _, c := range r.calls {
		out = append(out, before[c]...)
		out = append(out, c)
	}
	r.calls = out
}

// again clones the calls of one block that its backward needs, and returns the backward call before which they belong.
func (r *rewriter) again(fs []*Call) (at *Call, clones []*Call) {
	mine, kept := map[*Node]*Call{}, map[*Node]bool{}
	in := map[*Call]bool{}
	for _, c := range fs {
		in[c] = true
		for _, o := range c.Out {
			mine[o] = c
		}
	}
	for _, c := range r.calls {
		for _, n := range c.In {
			if mine[n] != nil && !in[c] && !c.grad {
				kept[n] = true
			}
		}
	}
	for _, o := range r.outputs {
		kept[o] = true
	}
	copyOf := map[*Node]*Node{}
	var clone func(n *Node) *Node
	clone = func(n *Node) *Node {
		c := mine[n]
		if c == nil || kept[n] {
			return n
		}
		if m := copyOf[n]; m != nil {
			return m
		}
		ins := make([]*Node, len(c.In))
		for i, x := range c.In {
			ins[i] = clone(x)
		}
		d := r.call(c, c.Op, ins...)
		d.grad = true
		for i, o := range c.Out {
			copyOf[o] = d.Out[i]
		}
		clones = append(clones, d)
		return copyOf[n]
	}
	for _, c := range r.calls {
		if !c.grad {
			continue
		}
		for i, n := range c.In {
			if m := clone(n); m != n {
				if at == nil {
					at = c
				}
				c.In[i] = m
			}
		}
	}
	return at, clones
}
