package parity

import (
	"luthier/backend"
	"luthier/shaders"
)

var _ = register("attn_softmax_grad", func() []Case {
	cases := []Case{}
	for _, v := range [][2]int{{64, 0}, {8, 0}, {8, 1}} { // WG, V4
		for _, s := range [][3]int{{1, 1, 4}, {5, 9, 8}, {37, 37, 40}, {130, 17, 132}} { // tq, tk, ldq
			c := shaders.Consts{"WG": v[0], "V4": v[1]}
			tq, tk, ldq, batches := s[0], s[1], s[2], 3
			cases = append(cases, Case{Kernel: "attn_softmax_grad", Consts: c, Name: num("tq", tq, "tk", tk, "ldq", ldq),
				Groups: queryGrid(c, ldq, batches), U: backend.U{"tq": tq, "tk": tk, "ldq": ldq, "scale": 0.125}, Tol: Reduce(tk),
				Args: map[string]Arg{"p": {Elems: batches * tk * ldq, Fill: around(0.5, 0.5)}, "dp": {Elems: batches * tk * ldq}}})
		}
	}
	return cases
})
