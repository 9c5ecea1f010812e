package graph

import (
	"fmt"

	"luthier/backend"
)

// vocabLoss fuses the vocabulary head with its loss. Inputs: h, e, labels, scale, then bias. Outputs: loss, rows, lse, then hits.
type vocabLoss struct {
	Smoothing float32
	Chunk     int // rows of e at a time
	Bias      bool
	Hits      bool
	Noise     noisy // of e; ZOTable is the last input
	Pair      bool  // two halves of rows, each with its own scalar of the noise
	PairBias  bool
}

// defaultChunk bounds the logits that exist at once: a chunk of this many vocabulary rows for every token.
const defaultChunk = 4096

// VocabLoss is CrossEntropy(h e^T + bias, labels): the loss of a language model's head, chunk by chunk over the vocabulary, so that logits
// of [tokens, vocabulary] never exist. h: [rows, d], e: [V, d] (the tied embedding or lm_head.weight; f32 or bf16), bias: [V] or nil,
// labels: u32 [rows], scale: [1]. Backward runs the chunks again from the saved log-sum-exp. Returns loss [1] and row losses [rows].
func VocabLoss(h, e, bias, labels, scale *Node, smoothing float32) (loss, rows *Node) {
	out := vocabHead(vocabLoss{Smoothing: smoothing}, h, e, bias, labels, scale)
	return out[0], out[1]
}

// VocabHits is VocabLoss without smoothing that also tells where the label is the most probable token: hits [rows] is 1 there, else 0, and 0
// where the label is ignored. Their sum over the number of labels is the accuracy.
func VocabHits(h, e, bias, labels, scale *Node) (loss, rows, hits *Node) {
	out := vocabHead(vocabLoss{Hits: true}, h, e, bias, labels, scale)
	return out[0], out[1], out[3]
}

func vocabHead(o vocabLoss, h, e, bias, labels, scale *Node) []*Node {
	o.Chunk, o.Bias = defaultChunk, bias != nil
	in := []*Node{h, e, labels, scale}
	if bias != nil {
		in = append(in, bias)
	}
	return h.g.apply(o, in...)
}

func (o vocabLoss) Infer(in []Sig) ([]Sig, error) {
	h, e := in[0].Shape, in[1].Shape
	if len(h) != 2 || len(e) != 2 || h[1] != e[1] || h[1]%4 != 0 {
		return nil, fmt.Errorf("h %v and e %v, want [rows, d] and [V, d] with d a multiple of 4", in[0], in[1])
	}
	if o.Bias {
		want := Shape{e[0]}
		if o.PairBias {
			want = Shape{2, up4(e[0])}
		}
		if err := wantShape("bias", want, in[4]); err != nil {
			return nil, err
		}
	}
	out := []Sig{f32(1), f32(h[0]), f32(h[0])}
	if o.Hits {
		out = append(out, f32(h[0]))
	}
	return out, lossSigs(h[0], in[2], in[3])
}

func (o vocabLoss) VJP(c *Call, dy []*Node, need []bool) []*Node {
	s := seed(c, dy, c.In[3])
	if s == nil {
		return nil
	}
	bias := o.Bias && need[4]
	in := []*Node{c.In[0], c.In[1], c.In[2], c.Out[2], s}
	if o.Bias {
		in = append(in, c.In[4])
	}
	out := c.In[0].g.apply(vocabLossGrad{o, need[1], bias}, in...)
	dx := make([]*Node, len(c.In))
	dx[0] = out[0]
	if need[1] {
		dx[1] = out[1]
	}
	if bias {
		dx[4] = out[len(out)-1]
	}
	return dx
}

func (o vocabLoss) Lower(l *Lowerer, c *Call) {
	rows, v := c.In[0].Shape[0], c.In[1].Shape[0]
	stats := l.Temp(4 * rows)
	o.chunks(l, c.In[1], rows, func(k chunk) {
		o.logits(l, c, 4, k)
		l.lossStats(k.logits, l.Ref(c.In[2]), stats, rows, k.n, k.ld, k.v0, k.v0 == 0)
	})
	l.lossEnd(stats, c.In[2], c.In[3], rows, v, o.Smoothing, c)
}

// chunk is a range of the vocabulary: rows v0 .. v0+n, which lie in part at row0 of it.
type chunk struct {
	part   Ref
	v0, n  int
	row0   int
	ld     int
	logits Ref
}

// chunks goes through the vocabulary, part by part and chunk by chunk, with one scratch buffer of logits for all.
func (o vocabLoss) chunks(l *Lowerer, e *Node, rows int, each func(chunk)) {
	size := min(o.Chunk, up4(e.Shape[0]))
	for fits := size; padded(rows*fits, backend.F32) > l.Limits.MaxBinding && fits > 64; fits /= 2 {
		size = up4(fits / 2)
	}
	buf := l.Temp(rows * size)
	for _, p := range l.Parts(e) {
		for r, n := 0, 0; r < p.Rows; r += n {
			n = min(size, p.Rows-r)
			if n > 4 {
				n &^= 3 // the last rows, fewer than 4, go alone, so that the fast kernels take the rest
			}
			each(chunk{part: p.Ref, v0: p.Row0 + r, n: n, row0: r, ld: up4(n), logits: buf})
		}
	}
}

// logits computes one chunk of h e^T + bias.
func (o vocabLoss) logits(l *Lowerer, c *Call, biasAt int, k chunk) {
	h, e := c.In[0], c.In[1]
	d := h.Shape[1]
	p := product{TB: true, BF16: e.DType == backend.BF16, Alpha: 1, Batches: 1, M: h.Shape[0], N: k.n, K: d, A: l.Ref(h), B: k.part, C: k.logits,
		LDA: d, LDB: d, B0: k.row0 * d, LDC: k.ld}
	if o.Bias {
		p.Bias, p.Bias0 = l.Ref(c.In[biasAt]), k.v0
	}
	if o.Pair {
		p.halves(o.PairBias)
		p.SBias = up4(e.Shape[0])
	}
	st := stored{rows: k.n, cols: d, row0: k.v0}
	if l.Software() && k.n%4 == 0 {
		t := l.Temp(d * k.ld)
		l.transpose(tile{X: k.part, Y: t, BF16: p.BF16, Rows: k.n, Cols: d, LDX: d, LDY: k.ld, Batches: 1, X0: k.row0 * d})
		p.TB, p.B, p.LDB, p.B0 = false, t, k.ld, 0
		st.transposed, st.ld = true, k.ld
	}
	if o.Noise.on() {
		p.Z0 = p.B0
		l.noiseOf(&p, o.Noise, st, c.In[len(c.In)-1])
	}
	l.noisy(p, o.Noise)
}

// vocabLossGrad is dh, then de if E, then dbias if B. Inputs: h, e, labels, lse, scale, then bias.
type vocabLossGrad struct {
	vocabLoss
	E, B bool
}

func (o vocabLossGrad) Infer(in []Sig) ([]Sig, error) {
	out := []Sig{in[0]}
	if o.E {
		out = append(out, f32(in[1].Shape...))
	}
	if o.B {
		out = append(out, f32(in[1].Shape[0]))
	}
	return out, nil
}
func (o vocabLossGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }

func (o vocabLossGrad) Lower(l *Lowerer, c *Call) {
	h, e := c.In[0], c.In[1]
	rows, d, v := h.Shape[0], h.Shape[1], e.Shape[0]
	var de []Part
	var ones Ref
	if o.B {
		ones = l.Temp(rows)
		l.fill(ones, rows, 1)
	}
	if o.E {
		de = l.Parts(c.Out[1])
	}
	o.chunks(l, e, rows, func(k chunk) {
		o.logits(l, c, 5, k)
		l.lossGrad(k.logits, l.Ref(c.In[2]), l.Ref(c.In[3]), l.Ref(c.In[4]), rows, k.n, k.ld, k.v0, v, o.Smoothing)
		l.product(product{BF16: e.DType == backend.BF16, Alpha: 1, Batches: 1, M: rows, N: d, K: k.n, A: k.logits, B: k.part, C: l.Ref(c.Out[0]),
			LDA: k.ld, LDB: d, B0: k.row0 * d, LDC: d, Acc: k.v0 > 0})
		if o.E {
			part := de[0]
			for _, p := range de {
				if k.v0 >= p.Row0 {
					part = p
				}
			}
			l.product(product{TA: true, Alpha: 1, Batches: 1, M: k.n, N: d, K: rows, A: k.logits, B: l.Ref(h), C: part.Ref,
				LDA: k.ld, LDB: d, LDC: d, C0: (k.v0 - part.Row0) * d})
		}
		if o.B {
			l.product(product{Alpha: 1, Batches: 1, M: 1, N: k.n, K: rows, A: ones, B: k.logits, C: l.Ref(c.Out[len(c.Out)-1]),
				LDA: up4(rows), LDB: k.ld, LDC: up4(v), C0: k.v0})
		}
	})
}
