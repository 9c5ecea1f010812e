package graph

import (
	"fmt"
	"sort"

	"luthier/backend"
	"luthier/shaders"
)

// embedding is y[r] = table[ids[r]].
type embedding struct {
	Noise noisy // of the table; ZOTable is the last input
	Pair  bool
}

// Embedding looks up rows. table: [V, d], f32 or bf16; ids: u32 [rows], all below V (the host checks); segments: u32 [3 rows + 2] as
// Segments makes them, used by the gradient only, may be nil where the table is frozen.
func Embedding(table, ids, segments *Node) *Node {
	if segments == nil {
		return table.g.apply(embedding{}, table, ids)[0]
	}
	return table.g.apply(embedding{}, table, ids, segments)[0]
}

func (embedding) Infer(in []Sig) ([]Sig, error) {
	t := in[0]
	if len(t.Shape) != 2 || t.Shape[1]%4 != 0 || t.DType == backend.U32 {
		return nil, fmt.Errorf("table %v, want a matrix with rows of a multiple of 4", t)
	}
	return []Sig{f32(in[1].Shape.Elems(), t.Shape[1])}, integers("ids", in[1])
}

func (embedding) VJP(c *Call, dy []*Node, need []bool) []*Node {
	dx := make([]*Node, len(c.In))
	if need[0] {
		if len(c.In) < 3 {
			c.In[0].g.fail("Embedding: the table is trained but no segments were given")
			return dx
		}
		dx[0] = dy[0].g.apply(embeddingGrad{c.In[0].Shape[0]}, dy[0], c.In[2])[0]
	}
	return dx
}

func (o embedding) Lower(l *Lowerer, c *Call) {
	t, ids := c.In[0], c.In[1]
	k := shaders.Consts{}
	if t.DType == backend.BF16 {
		k["BF16"] = 1
	}
	for _, p := range l.Parts(t) {
		args := Args{"ids": l.Ref(ids), "table": p.Ref, "y": l.Ref(c.Out[0])}
		u := backend.U{"d4": t.Shape[1] / 4, "lo": p.Row0, "hi": p.Row0 + p.Rows}
		if o.Noise.on() {
			o.Noise.consts(k, int(o.Noise.Kind))
			args[ZOTable] = l.Ref(c.In[len(c.In)-1])
			u["tensor"], u["per"] = o.Noise.Tensor, ids.Shape.Elems()
			if o.Pair {
				u["per"] = ids.Shape.Elems() / 2
			}
		}
		l.rows("embedding", k, ids.Shape.Elems(), args, u)
	}
}

// embeddingGrad scatters dy: [rows, d] to the V rows of the table's gradient.
type embeddingGrad struct{ V int }

func (o embeddingGrad) Infer(in []Sig) ([]Sig, error) {
	if err := wantShape("segments", Shape{3*in[0].Shape[0] + 2}, in[1]); err != nil {
		return nil, err
	}
	return []Sig{f32(o.V, in[0].Shape[1])}, integers("segments", in[1])
}
func (embeddingGrad) VJP(*Call, []*Node, []bool) []*Node { return nil }
func (o embeddingGrad) Lower(l *Lowerer, c *Call) {
	n, d := c.In[0].Shape[0], c.In[0].Shape[1]
	for _, p := range l.Parts(c.Out[0]) {
		l.fill(p.Ref, p.Rows*d, 0)
		l.Dispatch("embedding_grad", l.wg(nil), backend.Grid(n), Args{"segs": l.Ref(c.In[1]), "dy": l.Ref(c.In[0]), "de": p.Ref},
			backend.U{"n": n, "d4": d / 4, "lo": p.Row0, "hi": p.Row0 + p.Rows}, float64(n*d))
	}
}

// NoID is no token: Segments with it leaves none out.
const NoID = -1

// Segments sorts the positions of ids by id, so that each row of an embedding's gradient has one owner that adds in a fixed order:
// count, starts [n+1], distinct ids [n], positions [n], unused places zero. Positions with the id skip are left out: PyTorch's Embedding
// gives the row padding_idx no gradient.
func Segments(ids []int32, skip int32) []uint32 {
	n := len(ids)
	out := make([]uint32, 3*n+2)
	starts, distinct, order := out[1:n+2], out[n+2:2*n+2], out[2*n+2:]
	byID := sortedPositions(ids, skip)
	count := 0
	for i, p := range byID {
		order[i] = uint32(p)
		if i == 0 || ids[p] != ids[byID[i-1]] {
			starts[count], distinct[count] = uint32(i), uint32(ids[p])
			count++
		}
	}
	starts[count] = uint32(len(byID))
	out[0] = uint32(count)
	return out
}

func sortedPositions(ids []int32, skip int32) []int {
	at := make([]int, 0, len(ids))
	for i, id := range ids {
		if id != skip {
			at = append(at, i)
		}
	}
	sort.SliceStable(at, func(i, j int) bool { return ids[at[i]] < ids[at[j]] })
	return at
}
