package ref

import "math"

// p[j, i] = softmax over the visible keys j of s[j, i], in place; a row is a key.
var _ = register("attn_softmax", func(c *Call) {
	s := c.X("s")
	tk, ld := c.N("tk"), c.N("ldq")
	score := make([]float64, tk)
	for z := range int(c.d.Groups[1]) {
		m := s[z*tk*ld:]
		for i := range ld {
			for j := range tk {
				score[j] = m[j*ld+i] + bias(c, z, i, j)
				if !visible(c, z, i, j) {
					score[j] = math.Inf(-1)
				}
			}
			softmax(score)
			for j := range tk {
				m[j*ld+i] = score[j]
			}
		}
	}
})

// softmax replaces x by exp(x) / sum exp(x); all -Inf gives all 0.
func softmax(x []float64) {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, v)
	}
	for j, v := range x {
		if x[j] = 0; !math.IsInf(v, -1) {
			x[j] = math.Exp(v - top)
		}
		sum += x[j]
	}
	for j := range x {
		if sum > 0 {
			x[j] /= sum
		}
	}
}

// visible tells whether query i of batch z may look at key j. The columns behind the last query look at none.
func visible(c *Call, z, i, j int) bool {
	if i >= c.N("tq") || c.Const("MASK") == 1 && c.X("kvalid")[z/c.N("heads")*c.N("tk")+j] == 0 {
		return false
	}
	return c.Const("CAUSAL") == 0 || j <= i+c.N("offset") || j < c.N("prefix")
}

func bias(c *Call, z, i, j int) float64 {
	if c.Const("BIAS") == 0 || i >= c.N("tq") {
		return 0
	}
	return c.X("bias")[(z%c.N("heads")*c.N("tq")+i)*c.N("tk")+j]
}
