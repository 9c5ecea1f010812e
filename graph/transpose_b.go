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
				if b.leaf != nil && (b.leaf.Kind == Frozen || b.leaf.Kind == Trainable && r.forward) && b.leaf.Of == "" {
					s := transposed(b.Sig)
					t = r.leafOf(Leaf{Name: b.leaf.Name + transposedSuffix, Kind: b.leaf.Kind, Of: b.leaf.Name, From: b.Sig}, s)
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

// transposedSuffix marks the leaf that holds a weight transposed.
const transposedSuffix = "^T"

// TransposeBytes turns a row-major matrix of rows x cols elements of size bytes, its rows ld elements apart, into its transpose with rows
// ldT elements apart.
func TransposeBytes(raw []byte, rows, cols, ld, ldT, size int) []byte {
	out := make([]byte, cols*ldT*size)
	const block = 32 // keeps both sides in cache
	for i0 := 0; i0 < rows; i0 += block {
		for j0 := 0; j0 < cols; j0 += block {
			for i := i0; i < min(i0+block, rows); i++ {
				for j := j0; j < min(j0+block, cols); j++ {
					copy(out[(j*ldT+i)*size:(j*ldT+i+1)*size], raw[(i*ld+j)*size:])
				}
			}
		}
	}
	return out
}
