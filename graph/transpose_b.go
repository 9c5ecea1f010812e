package graph

// transposeB rewrites a b^T as a (b^T) with the transposed b as a value of its own, on software adapters: there a transposition and the
// row-major kernel cost less than half of what a kernel with strided loads does. A frozen b is transposed once, as a leaf that the
// store fills; one that training changes is transposed each step.
func transposeB(r *rewriter) {
	if !r.software {
		return
	}
	done := map[*Node]*Node{}
	var out []*Call
	for _, c := range r.calls {
		for b := range done {
			if writes(c, b) {
				delete(done, b)
			}
		}
		if m, ok := c.Op.(matmul); ok && m.TB && len(c.In[1].Shape) == 2 {
			b := c.In[1]
			t := done[b]
			if t == nil {
				if b.leaf != nil && b.leaf.Kind == Frozen && b.leaf.Of == "" {
					s := transposed(b.Sig)
					t = r.leafOf(Leaf{Name: b.leaf.Name + "^T", Kind: Frozen, Of: b.leaf.Name, From: b.Sig}, s)
				} else {
					tc := r.call(c, transpose{}, b)
					if b.leaf != nil {
						tc.Block = 0
					}
					out = append(out, tc)
					t = tc.Out[0]
				}
				done[b] = t
			}
			m.TB = false
			c.Op = m
			c.In[1] = t
		}
		out = append(out, c)
	}
	r.calls = out
	r.uses = nil
}
