package model

import (
	"fmt"

	"luthier/backend"
	"luthier/graph"
)

// attend is a layer's attention over q: [B*T, Heads*D], k, v: [B*T, KVHeads*D], with the cache of generation, through the sites of keys,
// values and mask.
func (b *Builder) attend(path string, q, k, v *graph.Node, causal bool) *graph.Node {
	c := b.Config
	o := graph.AttentionOptions{B: b.B, Tq: b.T, Tk: b.T, Heads: c.Heads, KV: c.KVHeads, Causal: causal}
	if b.Train && c.AttentionDrop() > 0 {
		o.Drop, o.Salt = float32(c.AttentionDrop()), b.Salt()
	}
	mask := b.PadMask
	if b.Cache > 0 {
		k, v = b.cached(path, k, v)
		if b.Step {
			o.Tk, o.Causal = b.Cache, false
			mask = func() *graph.Node { return b.G.InputOf("cache_mask", backend.U32, b.B, b.Cache) }
		}
	}
	s := b.site(Site{Path: path, Kind: KeyValues, In: k.Shape.Last(), Out: k.Shape.Last()})
	if a, ok := b.Method.(KeyValueAdapter); ok {
		var before int
		k, v, before = a.KeyValues(b, s, k, v)
		o.Tk, o.Prefix = o.Tk+before, before
	}
	s = b.site(Site{Path: path, Kind: Mask})
	if a, ok := b.Method.(MaskAdapter); ok {
		a.Mask(b, s, &o)
	}
	var seed *graph.Node
	if o.Drop > 0 {
		seed = b.Seed()
	}
	return graph.Attention(q, k, v, mask(), nil, seed, o)
}

// cached writes the new keys and values to the layer's cache: [B*Cache, KVHeads*D] each. A Step reads the whole cache back.
func (b *Builder) cached(path string, k, v *graph.Node) (*graph.Node, *graph.Node) {
	rows := b.G.InputOf("cache_rows", backend.U32, b.Rows())
	d := k.Shape.Last()
	ck := b.G.StateOf(fmt.Sprintf("cache.%s.keys", path), b.B*b.Cache, d)
	cv := b.G.StateOf(fmt.Sprintf("cache.%s.values", path), b.B*b.Cache, d)
	graph.WriteRows(ck, rows, k)
	graph.WriteRows(cv, rows, v)
	if b.Step {
		return ck, cv
	}
	return k, v
}
