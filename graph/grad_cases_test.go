package graph

import (
	"luthier/backend"
)

func weight(g *Graph, name string, dims ...int) *Node {
	return g.Weight(name, backend.F32, true, dims...)
}

func ints(g *Graph, name string, dims ...int) *Node { return g.InputOf(name, backend.U32, dims...) }

func list(v ...float64) func(int) float64 { return func(i int) float64 { return v[i%len(v)] } }

var one = map[string]func(int) float64{"one": list(0.5)}

func lossScale(g *Graph) *Node { return g.InputOf("one", backend.F32, 1) }

var (
	_ = gradOf("matmul nn", func(g *Graph) *Node { return pooled(MatMul(weight(g, "a", 5, 6), weight(g, "b", 6, 7), false, false)) }, nil)
	_ = gradOf("matmul nt", func(g *Graph) *Node { return pooled(MatMul(weight(g, "a", 5, 8), weight(g, "b", 8, 8), false, true)) }, nil)
	_ = gradOf("matmul tn", func(g *Graph) *Node { return pooled(MatMul(weight(g, "a", 6, 5), weight(g, "b", 6, 7), true, false)) }, nil)
	_ = gradOf("matmul tt", func(g *Graph) *Node { return pooled(MatMul(weight(g, "a", 6, 5), weight(g, "b", 7, 6), true, true)) }, nil)
	_ = gradOf("matmul batched", func(g *Graph) *Node {
		return pooled(MatMul(weight(g, "a", 3, 5, 6), weight(g, "b", 3, 7, 6), false, true))
	}, nil)
	_ = gradOf("linear", func(g *Graph) *Node {
		return pooled(Activation(Linear(weight(g, "x", 3, 8), weight(g, "w", 4, 8), weight(g, "b", 4)), GeLU))
	}, nil)
	_ = gradOf("add", func(g *Graph) *Node { return pooled(AddScaled(weight(g, "a", 3, 5), weight(g, "b", 3, 5), 0.3)) }, nil)
	_ = gradOf("mul scale", func(g *Graph) *Node { return pooled(Scale(Mul(weight(g, "a", 3, 5), weight(g, "b", 3, 5)), 0.3)) }, nil)
	_ = gradOf("addVec mulVec", func(g *Graph) *Node {
		return pooled(MulVec(AddVec(weight(g, "x", 5, 3), weight(g, "v", 3)), weight(g, "u", 3)))
	}, nil)
	_ = gradOf("vectors of 4", func(g *Graph) *Node {
		return pooled(MulVec(AddVec(weight(g, "x", 70, 8), weight(g, "v", 8)), weight(g, "u", 8)))
	}, nil)
	_ = gradOf("col sum", func(g *Graph) *Node { return pooled(ColSum(weight(g, "x", 70, 3))) }, nil)
	_ = gradOf("gelu", func(g *Graph) *Node { return pooled(Activation(weight(g, "x", 3, 5), GeLU)) }, nil)
	_ = gradOf("gelu tanh", func(g *Graph) *Node { return pooled(Activation(weight(g, "x", 3, 5), GeLUTanh)) }, nil)
	_ = gradOf("tanh", func(g *Graph) *Node { return pooled(Activation(weight(g, "x", 3, 5), Tanh)) }, nil)
	_ = gradOf("silu", func(g *Graph) *Node { return pooled(Activation(weight(g, "x", 3, 5), SiLU)) }, nil)
	_ = gradOf("relu", func(g *Graph) *Node { return pooled(Activation(weight(g, "x", 3, 5), ReLU)) }, nil)
	_ = gradOf("swiglu", func(g *Graph) *Node { return pooled(SwiGLU(weight(g, "g", 3, 5), weight(g, "u", 3, 5))) }, nil)
	_ = gradOf("rms norm", func(g *Graph) *Node { return pooled(RMSNorm(weight(g, "x", 70, 8), weight(g, "w", 8), 1e-5)) }, nil)
	_ = gradOf("layer norm", func(g *Graph) *Node {
		return pooled(LayerNorm(weight(g, "x", 70, 8), weight(g, "w", 8), weight(g, "b", 8), 1e-5))
	}, nil)
	_ = gradOf("rope", func(g *Graph) *Node {
		table := g.Weight("table", backend.F32, false, 9, 6)
		return pooled(Rope(weight(g, "x", 4, 12), ints(g, "pos", 4), table, 2))
	}, map[string]func(int) float64{"pos": list(0, 3, 8, 1)})
	_ = gradOf("dropout", func(g *Graph) *Node { return pooled(Dropout(weight(g, "x", 4, 12), ints(g, "seed", 4), 0.4, 7)) },
		map[string]func(int) float64{"seed": list(1, 2, 3, 4)})
	_ = gradOf("embedding", func(g *Graph) *Node {
		return pooled(Embedding(weight(g, "e", 6, 4), ints(g, "ids", 5), ints(g, "segs", 17)))
	}, map[string]func(int) float64{"ids": list(2, 5, 2, 0, 5), "segs": func(i int) float64 { return float64(Segments([]int32{2, 5, 2, 0, 5}, NoID)[i]) }})
	_ = gradOf("gather rows", func(g *Graph) *Node { return pooled(GatherRows(weight(g, "x", 6, 4), ints(g, "idx", 3))) },
		map[string]func(int) float64{"idx": list(4, 0, 5)})
	_ = gradOf("scatter rows", func(g *Graph) *Node {
		return pooled(g.apply(scatterRows{6}, weight(g, "x", 3, 4), ints(g, "idx", 3))[0])
	}, map[string]func(int) float64{"idx": list(4, 0, 5)})
	_ = gradOf("mean pool", func(g *Graph) *Node { return pooled(MeanPool(weight(g, "x", 6, 4), ints(g, "mask", 2, 3))) },
		map[string]func(int) float64{"mask": list(1, 1, 0, 1, 0, 0)})
	_ = gradOf("cross entropy", func(g *Graph) *Node {
		l, _ := CrossEntropy(weight(g, "x", 4, 5), ints(g, "y", 4), lossScale(g), 0.1)
		return l
	}, map[string]func(int) float64{"y": list(4, 0, Ignored, 2), "one": list(0.5)})
	_ = gradOf("vocab loss", func(g *Graph) *Node {
		h, e := weight(g, "h", 5, 8), weight(g, "e", 19, 8)
		out := g.apply(vocabLoss{Smoothing: 0.1, Chunk: 8, Bias: true}, h, e, ints(g, "y", 5), lossScale(g), weight(g, "bias", 19))
		return out[0]
	}, map[string]func(int) float64{"y": list(18, 0, Ignored, 7, 8), "one": list(0.5)})
	_ = gradOf("mse", func(g *Graph) *Node {
		l, _ := MSE(weight(g, "x", 4, 1), g.InputOf("y", backend.F32, 4), g.InputOf("w", backend.F32, 4), lossScale(g))
		return l
	}, map[string]func(int) float64{"y": list(1, -2, 0.3), "w": list(1, 1, 0, 1), "one": list(0.5)})
	_ = gradOf("scaled loss", func(g *Graph) *Node {
		l, _ := CrossEntropy(weight(g, "x", 4, 8), ints(g, "y", 4), lossScale(g), 0)
		return Add(Scale(l, 3), Mul(l, l))
	}, map[string]func(int) float64{"y": list(4, 0, 1, 2), "one": list(0.5)})
	_ = attentionCase("attention", AttentionOptions{B: 2, Tq: 5, Tk: 5, Heads: 2, KV: 2}, false, false)
	_ = attentionCase("attention causal gqa", AttentionOptions{B: 2, Tq: 8, Tk: 8, Heads: 4, KV: 2, Causal: true}, false, false)
	_ = attentionCase("attention mask bias", AttentionOptions{B: 2, Tq: 4, Tk: 4, Heads: 2, KV: 1}, true, true)
	_ = attentionCase("attention dropout", AttentionOptions{B: 1, Tq: 4, Tk: 4, Heads: 2, KV: 2, Drop: 0.3, Salt: 5}, false, false)
	_ = attentionCase("attention prefix", AttentionOptions{B: 1, Tq: 4, Tk: 7, Heads: 2, KV: 2, Causal: true, Prefix: 5}, true, false)
)

func attentionCase(name string, o AttentionOptions, mask, bias bool) bool {
	return gradOf(name, func(g *Graph) *Node {
		d := 4
		var m, b *Node
		if mask {
			m = ints(g, "mask", o.B, o.Tk)
		}
		if bias {
			b = g.Weight("bias", backend.F32, false, o.Heads, o.Tq, o.Tk)
		}
		return pooled(Attention(weight(g, "q", o.B*o.Tq, o.Heads*d), weight(g, "k", o.B*o.Tk, o.KV*d), weight(g, "v", o.B*o.Tk, o.KV*d), m, b, ints(g, "seed", 4), o))
	}, map[string]func(int) float64{"seed": list(9, 8, 7, 6), "mask": list(1, 1, 0, 1, 1)})
}
