package graph

import (
	"fmt"
	"math"

	"luthier/shaders"
)

// AttentionOptions say which keys a query sees. Query i stands at key position i + Tk - Tq.
type AttentionOptions struct {
	B, Tq, Tk     int // sequences, queries and keys of each
	Heads, KV     int // query heads, and key/value heads, of which each serves Heads / KV query heads
	Causal        bool
	Prefix        int     // with Causal: the first Prefix keys are seen by every query
	Scale         float32 // of the scores; 0 means 1 / sqrt(D)
	Drop          float32 // probability of dropping an attention weight
	Salt          uint32  // of that dropout
	HasMask, Bias bool    // set by Attention
}

// attention is o = softmax(Scale q k^T + bias, over visible keys) v by heads. Inputs: q, k, v, then mask, then bias. Outputs: o, and the
// probabilities TRANSPOSED, [B*Heads, Tk, Tq padded to 4]: then the softmax goes down columns, in which lanes need not talk to each
// other, and every product of the backward pass finds its operands as they lie.
type attention struct{ AttentionOptions }

// Attention is scaled dot-product attention (Vaswani et al. 2017) with grouped queries (Ainslie et al. 2023).
// q: [B*Tq, Heads*D]; k, v: [B*Tk, KV*D]; mask: u32 [B, Tk], zero hides a key, or nil; bias: [Heads, Tq, Tk] added to the scores, or nil,
// a constant; rng: the seed of Dropout, nil without Drop. A query that sees no key gives zeros. Returns [B*Tq, Heads*D].
func Attention(q, k, v, mask, bias, rng *Node, o AttentionOptions) *Node {
	in := []*Node{q, k, v}
	if o.HasMask = mask != nil; o.HasMask {
		in = append(in, mask)
	}
	if o.Bias = bias != nil; o.Bias {
		in = append(in, bias)
	}
	if o.Drop != 0 {
		in = append(in, rng)
	}
	if o.Scale == 0 && o.Heads > 0 {
		o.Scale = float32(1 / math.Sqrt(float64(q.Shape.Last()/o.Heads)))
	}
	return q.g.apply(attention{o}, in...)[0]
}

func (o attention) Infer(in []Sig) ([]Sig, error) {
	if o.Heads <= 0 || o.KV <= 0 || o.Heads%o.KV != 0 || in[0].Shape.Last()%o.Heads != 0 {
		return nil, fmt.Errorf("%d query heads and %d key/value heads for rows of %d", o.Heads, o.KV, in[0].Shape.Last())
	}
	d := in[0].Shape.Last() / o.Heads
	for i, want := range []Shape{{o.B * o.Tq, o.Heads * d}, {o.B * o.Tk, o.KV * d}, {o.B * o.Tk, o.KV * d}} {
		if err := wantShape([]string{"q", "k", "v"}[i], want, in[i]); err != nil {
			return nil, err
		}
		if err := dense("q, k, v", in[i]); err != nil {
			return nil, err
		}
	}
	i := 3
	if o.HasMask {
		if err := wantShape("mask", Shape{o.B, o.Tk}, in[i]); err != nil {
			return nil, err
		}
		if err := integers("mask", in[i]); err != nil {
			return nil, err
		}
		i++
	}
	if o.Bias {
		if err := wantShape("bias", Shape{o.Heads, o.Tq, o.Tk}, in[i]); err != nil {
			return nil, err
		}
	}
	return []Sig{in[0], f32(o.B*o.Heads, o.Tk, up4(o.Tq))}, nil
}

func (o attention) VJP(c *Call, dy []*Node, _ []bool) []*Node {
	if dy[0] == nil {
		return nil
	}
	in := []*Node{c.In[0], c.In[1], c.In[2], c.Out[1], dy[0]}
	if o.Drop != 0 {
		in = append(in, c.In[len(c.In)-1])
	}
	return dy[0].g.apply(attentionGrad{o.AttentionOptions}, in...)
}

func (o attention) Lower(l *Lowerer, c *Call) {
	d := c.In[0].Shape.Last() / o.Heads
	q, k, v, p := l.Ref(c.In[0]), l.Ref(c.In[1]), l.Ref(c.In[2]), l.Ref(c.Out[1])
	o.scores(l, d, k, q, o.Scale, p)
	args := Args{"s": p}
	consts := shaders.Consts{}
	if o.Causal {
		consts["CAUSAL"] = 1
	}
	i := 3
	if o.HasMask {
		consts["MASK"], args["kvalid"] = 1, l.Ref(c.In[i])
		i++
	}
	if o.Bias {
		consts["BIAS"], args["bias"] = 1, l.Ref(c.In[i])
	}
	o.columns(l, "attn_softmax", consts, args, map[string]any{"heads": o.Heads, "offset": o.Tk - o.Tq, "prefix": o.Prefix})
	l.product(o.byQuery(d, o.dropped(l, p, c.In[len(c.In)-1]), v, l.Ref(c.Out[0])))
}

// dropped is p after dropout, p itself without.
func (o AttentionOptions) dropped(l *Lowerer, p Ref, seed *Node) Ref {
	if o.Drop == 0 {
		return p
	}
	y := l.Temp(o.weights())
	l.dropout(p, y, l.Ref(seed), o.weights(), o.Drop, o.Salt)
	return y
}

// weights is the number of attention weights, padding included.
func (o AttentionOptions) weights() int { return o.B * o.Heads * o.Tk * o.ldq() }

// ldq is the distance of key rows in the transposed scores.
func (o AttentionOptions) ldq() int { return up4(o.Tq) }

// scores computes s[j, i] = scale * <kv_j, q_i> for every head: s^T of the textbook. kv: k or v; q: q or dy.
func (o AttentionOptions) scores(l *Lowerer, d int, kv, q Ref, scale float32, s Ref) {
	p := product{TB: true, Alpha: scale, Batches: o.B * o.Heads, Heads: o.Heads, M: o.Tk, N: o.Tq, K: d, A: kv, B: q, C: s,
		LDA: o.KV * d, SAB: o.Tk * o.KV * d, SAH: d, GA: o.Heads / o.KV,
		LDB: o.Heads * d, SBB: o.Tq * o.Heads * d, SBH: d,
		LDC: o.ldq(), SCB: o.Heads * o.Tk * o.ldq(), SCH: o.Tk * o.ldq()}
	if l.Software() {
		t := l.Temp(o.B * o.Heads * d * o.ldq())
		l.transpose(tile{X: q, Y: t, Rows: o.Tq, Cols: d, LDX: o.Heads * d, LDY: o.ldq(), Batches: o.B * o.Heads, Heads: o.Heads,
			SXB: o.Tq * o.Heads * d, SXH: d, SY: d * o.ldq()})
		p.TB, p.B, p.LDB, p.SBB, p.SBH = false, t, o.ldq(), o.Heads*d*o.ldq(), d*o.ldq()
	}
	l.product(p)
}

// byQuery is y_i = sum over keys j of s[j, i] kv_j: the output from the probabilities, and dq.
func (o AttentionOptions) byQuery(d int, s, kv, y Ref) product {
	return product{TA: true, Alpha: 1, Batches: o.B * o.Heads, Heads: o.Heads, M: o.Tq, N: d, K: o.Tk, A: s, B: kv, C: y,
		LDA: o.ldq(), SAB: o.Heads * o.Tk * o.ldq(), SAH: o.Tk * o.ldq(),
		LDB: o.KV * d, SBB: o.Tk * o.KV * d, SBH: d, GB: o.Heads / o.KV,
		LDC: o.Heads * d, SCB: o.Tq * o.Heads * d, SCH: d}
}

// byKey is y_j = sum over queries i and over the query heads of a group of s[j, i] q_i: dk and dv. One launch a head of the group, so
// that each output has one owner.
func (o AttentionOptions) byKey(l *Lowerer, d int, s, q, y Ref) {
	group := o.Heads / o.KV
	for h := range group {
		l.product(product{Alpha: 1, Acc: h > 0, Batches: o.B * o.KV, Heads: o.KV, M: o.Tk, N: d, K: o.Tq, A: s, B: q, C: y,
			LDA: o.ldq(), A0: h * o.Tk * o.ldq(), SAB: o.Heads * o.Tk * o.ldq(), SAH: group * o.Tk * o.ldq(),
			LDB: o.Heads * d, B0: h * d, SBB: o.Tq * o.Heads * d, SBH: group * d,
			LDC: o.KV * d, SCB: o.Tk * o.KV * d, SCH: d})
	}
}

// columns launches a kernel that goes down the columns of the transposed scores, one thread a column or, on software adapters, four.
func (o AttentionOptions) columns(l *Lowerer, kernel string, consts shaders.Consts, args Args, u map[string]any) {
	per := l.WG()
	if l.Software() {
		consts["V4"] = 1
		per *= 4
	}
	u["tq"], u["tk"], u["ldq"] = o.Tq, o.Tk, o.ldq()
	l.Dispatch(kernel, l.wg(consts), [3]uint32{uint32((o.ldq() + per - 1) / per), uint32(o.B * o.Heads), 1}, args, u,
		float64(4*o.B*o.Heads*o.Tk*o.Tq))
}

// attentionGrad is (dq, dk, dv). Inputs: q, k, v, p, do, then seed.
type attentionGrad struct{ AttentionOptions }

func (attentionGrad) Infer(in []Sig) ([]Sig, error) {
	return []Sig{in[0], in[1], in[2]}, wantShape("do", in[0].Shape, in[4])
}
func (attentionGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }

// Lower: dv = p^T do, dp = do v^T, ds = p (dp - sum p dp), dq = ds k, dk = ds^T q.
func (o attentionGrad) Lower(l *Lowerer, c *Call) {
	d := c.In[0].Shape.Last() / o.Heads
	q, k, v, p, do := l.Ref(c.In[0]), l.Ref(c.In[1]), l.Ref(c.In[2]), l.Ref(c.In[3]), l.Ref(c.In[4])
	o.byKey(l, d, o.dropped(l, p, c.In[len(c.In)-1]), do, l.Ref(c.Out[2]))
	ds := l.Temp(o.weights())
	o.scores(l, d, v, do, 1, ds)
	ds = o.dropped(l, ds, c.In[len(c.In)-1])
	o.columns(l, "attn_softmax_grad", shaders.Consts{}, Args{"p": p, "dp": ds}, map[string]any{"scale": o.Scale})
	l.product(o.byQuery(d, ds, k, l.Ref(c.Out[0])))
	o.byKey(l, d, ds, q, l.Ref(c.Out[1]))
}
