package parity

import (
	"luthier/backend"
	"luthier/shaders"
)

// Scores up to 30 apart; queries fewer and more than keys, an offset (a cache before them), a prefix that all see, masks that leave a
// query without a key, padding columns in ldq.
var _ = register("attn_softmax", func() []Case {
	cases := []Case{}
	for _, m := range [][3]int{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {1, 1, 1}} { // CAUSAL, MASK, BIAS
		for _, v := range [][2]int{{64, 0}, {8, 0}, {8, 1}} { // WG, V4
			if m[2] == 1 || m[0]+m[1] > 0 {
				if v[0] == 8 && v[1] == 0 {
					continue // scalar columns of eight lanes are for ldq % 4 != 0 without more
				}
			}
			for _, s := range [][6]int{ // tq, tk, ldq, heads, offset, prefix
				{1, 1, 4, 1, 0, 0}, {5, 9, 8, 2, 4, 0}, {37, 37, 40, 3, 0, 5}, {130, 17, 132, 1, 0, 0}, {70, 75, 72, 2, 0, 5},
			} {
				cases = append(cases, attnCase(shaders.Consts{"WG": v[0], "V4": v[1], "CAUSAL": m[0], "MASK": m[1], "BIAS": m[2]}, s))
			}
			if v[1] == 0 {
				cases = append(cases, attnCase(shaders.Consts{"WG": v[0], "CAUSAL": m[0], "MASK": m[1], "BIAS": m[2]}, [6]int{7, 5, 7, 2, 0, 0}))
			}
		}
	}
	return cases
})

func attnCase(c shaders.Consts, s [6]int) Case {
	tq, tk, ldq, heads := s[0], s[1], s[2], s[3]
	batch := 3
	args := map[string]Arg{"s": {Elems: batch * heads * tk * ldq, Fill: spread(15)}}
	if c["MASK"] == 1 { // the first key of sequence 1 and every key of sequence 2 are masked
		args["kvalid"] = Arg{Elems: batch * tk, DType: backend.U32, Fill: func(i int) float64 {
			if i/tk == 2 || i == tk || i%5 == 3 {
				return 0
			}
			return 1
		}}
	}
	if c["BIAS"] == 1 {
		args["bias"] = Arg{Elems: heads * tq * tk, Fill: spread(3)}
	}
	return Case{Kernel: "attn_softmax", Consts: c, Name: num("tq", tq, "tk", tk, "ldq", ldq, "heads", heads, "offset", s[4], "prefix", s[5]),
		Groups: queryGrid(c, ldq, batch*heads), Args: args, Tol: Reduce(tk),
		U: backend.U{"tq": tq, "tk": tk, "ldq": ldq, "heads": heads, "offset": s[4], "prefix": s[5]}}
}

// queryGrid covers the ldq columns of each batch.
func queryGrid(c shaders.Consts, ldq, batches int) [3]uint32 {
	each := c["WG"] * (1 + 3*c["V4"])
	return [3]uint32{uint32((ldq + each - 1) / each), uint32(batches), 1}
}
