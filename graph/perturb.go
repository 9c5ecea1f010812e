package graph

// perturb makes every use of a numbered trained weight a use of the weight with noise. Where the kernel that loads it can add the noise
// itself (matrices, tables) the op is told; vectors become small perturbed copies.
func perturb(r *rewriter) {
	if r.noise == nil {
		return
	}
	table := r.noise.table(r.Graph)
	var out []*Call
	copies := map[*Node]*Node{}
	for _, c := range r.calls {
		if _, update := c.Op.(updater); update {
			out = append(out, c)
			continue
		}
		op, ok := c.Op.(loader)
		for i, in := range c.In {
			v, trained := r.noise.leafNoise(in)
			if !trained {
				continue
			}
			if ok && op.loads(i) {
				op = op.withNoise(v, r.noise.Pair)
				continue
			}
			n := copies[in]
			if n == nil {
				p := r.call(c, perturbed{v, r.noise.Pair}, in, table)
				out, n = append(out, p), p.Out[0]
				copies[in] = n
			}
			c.In[i] = n
			if r.noise.Pair {
				op = r.pairVector(&out, c, op, i)
			}
		}
		if ok {
			if c.Op = op; op.noise().on() {
				c.In = append(c.In, table)
			}
		}
		out = append(out, c)
	}
	r.calls = out
	r.uses = nil
	if r.noise.Anchor {
		toAnchors(r)
	}
}

// pairVector tells op that its input i has a row for each half of the batch. Inputs that stand beside it and have not are repeated.
func (r *rewriter) pairVector(out *[]*Call, c *Call, op loader, i int) loader {
	if op == nil || !op.takesPair(i) {
		r.fail("%s in %s takes trained weights in a way that has no pairs: use --pairs apart", opName(c.Op), c.Scope)
		return op
	}
	for j, in := range c.In {
		if j != i && op.takesPair(j) && len(in.Shape) == 1 {
			if v, trained := r.noise.leafNoise(in); trained && v.on() {
				continue // its own turn comes
			}
			rep := r.call(c, repeat{}, in)
			*out = append(*out, rep)
			c.In[j] = rep.Out[0]
		}
	}
	return op.withPair(i)
}

// loader is an Op that can load perturbed weights.
type loader interface {
	Op
	loads(i int) bool                    // input i is a weight whose loader adds noise
	withNoise(v noisy, pair bool) loader // the op with that noise; the table becomes its last input
	takesPair(i int) bool                // input i is a vector that may have a row for each half of the batch
	withPair(i int) loader               // the op with such a vector
	noise() noisy
}

// repeat is a vector twice, in rows padded to a multiple of 4.
type repeat struct{}

func (repeat) Infer(in []Sig) ([]Sig, error)      { return []Sig{f32(2, up4(in[0].Shape.Elems()))}, nil }
func (repeat) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (repeat) Lower(l *Lowerer, c *Call) {
	n := c.In[0].Shape.Elems()
	ones := l.Temp(8)
	l.fill(ones, 8, 1)
	l.product(product{Alpha: 1, Batches: 1, M: 2, N: n, K: 1, A: ones, B: l.Ref(c.In[0]), C: l.Ref(c.Out[0]), LDA: 4, LDB: up4(n), LDC: up4(n)})
}

// Loaders. A matrix product loads b; its bias may be a pair.
func (o matmul) loads(i int) bool { return i == 1 }
func (o matmul) withNoise(v noisy, pair bool) loader {
	o.Noise, o.Pair = v, pair
	return o
}
func (o matmul) takesPair(i int) bool { return o.Bias && i == 2 }
func (o matmul) withPair(int) loader {
	o.Pair, o.PairBias = true, true
	return o
}
func (o matmul) noise() noisy { return o.Noise }

func (o embedding) loads(i int) bool { return i == 0 }
func (o embedding) withNoise(v noisy, pair bool) loader {
	o.Noise, o.Pair = v, pair
	return o
}
func (o embedding) takesPair(int) bool  { return false }
func (o embedding) withPair(int) loader { return o }
func (o embedding) noise() noisy        { return o.Noise }

func (o vocabLoss) loads(i int) bool { return i == 1 }
func (o vocabLoss) withNoise(v noisy, pair bool) loader {
	o.Noise, o.Pair = v, pair
	return o
}
func (o vocabLoss) takesPair(i int) bool { return o.Bias && i == 4 }
func (o vocabLoss) withPair(int) loader {
	o.Pair, o.PairBias = true, true
	return o
}
func (o vocabLoss) noise() noisy { return o.Noise }

func (o norm) loads(int) bool               { return false }
func (o norm) withNoise(noisy, bool) loader { return o }
func (o norm) takesPair(i int) bool         { return i > 0 }
func (o norm) withPair(int) loader {
	o.Pair = true
	return o
}
func (norm) noise() noisy { return noisy{} }

func (o addVec) loads(int) bool               { return false }
func (o addVec) withNoise(noisy, bool) loader { return o }
func (o addVec) takesPair(i int) bool         { return i == 1 }
func (o addVec) withPair(int) loader {
	o.Pair = true
	return o
}
func (addVec) noise() noisy { return noisy{} }

func (o mulVec) loads(int) bool               { return false }
func (o mulVec) withNoise(noisy, bool) loader { return o }
func (o mulVec) takesPair(i int) bool         { return i == 1 }
func (o mulVec) withPair(int) loader {
	o.Pair = true
	return o
}
func (mulVec) noise() noisy { return noisy{} }
