package parity

import (
	"luthier/backend"
	"luthier/shaders"
)

// product is the shape of one matmul dispatch: batch * heads products, whose heads lie side by side in each row as attention has them,
// ga (gb) of them sharing one a (b).
type product struct{ m, n, k, batch, heads, ga, gb int }

var _ = register("matmul", func() []Case {
	return products("matmul", 1, func(c map[string]int) (int, int) { return 1, 64 }, []product{
		{1, 1, 1, 1, 1, 1, 1}, {3, 65, 7, 1, 1, 1, 1}, {13, 70, 301, 1, 1, 1, 1}, {5, 9, 11, 2, 6, 1, 3}, {7, 3, 5, 3, 4, 2, 4},
	}, epilogues()...)
})

// epilogues are the rest of what may follow a product: each activation, and everything at once.
func epilogues() []shaders.Consts {
	return []shaders.Consts{{"ACT": 2}, {"ACT": 3, "RES": 1}, {"ACT": 4, "BIAS": 1, "PRE": 1}, {"ACT": 5, "BIAS": 1, "PRE": 1, "RES": 1, "ACC": 1}}
}

// products makes every instance that a matmul file declares, and more, with every shape. tile tells how many rows and columns of c a workgroup of
// the instance covers; unit is 1 for kernels of scalars and 4 for kernels by vec4, which want leading dimensions and offsets so.
func products(kernel string, unit int, tile func(consts map[string]int) (rows, cols int), shapes []product, more ...shaders.Consts) []Case {
	instances, err := shaders.Instances(kernel)
	if err != nil {
		panic(err) // the file is part of the program
	}
	cases := []Case{}
	for _, c := range append(instances, more...) {
		k, err := shaders.Load(kernel, c)
		if err != nil {
			panic(err)
		}
		rows, cols := tile(k.Consts)
		for _, s := range shapes {
			if k.Consts["NOISE"] > 0 || k.Consts["PAIR"] > 0 { // one weight for two halves of a batch
				if s.heads > 1 {
					continue
				}
				s.batch = 2
			}
			x := s.on(k, unit)
			x.Groups = [3]uint32{uint32((s.n + cols - 1) / cols), uint32((s.m + rows - 1) / rows), uint32(s.batch * s.heads)}
			cases = append(cases, x)
		}
	}
	return cases
}

// on is the case of shape s for instance k, all but its grid. Offsets and paddings are there to be got wrong.
func (s product) on(k *shaders.Kernel, unit int) Case {
	up := func(n int) int { return (n + unit - 1) / unit * unit }
	ar, ac := s.m, s.k // stored rows and columns of a
	if k.Consts["TA"] == 1 {
		ar, ac = ac, ar
	}
	br, bc := s.k, s.n
	if k.Consts["TB"] == 1 {
		br, bc = bc, br
	}
	lda, ldb, ldc := up(ac)*(s.heads/s.ga)+unit, up(bc)*(s.heads/s.gb)+2*unit, up(s.n)*s.heads+unit
	u := backend.U{"m": s.m, "n": s.n, "k": s.k, "heads": s.heads, "lda": lda, "ldb": ldb, "ldc": ldc, "bias0": 4, "a0": 3 * unit, "b0": unit, "c0": 2 * unit,
		"ga": s.ga, "gb": s.gb, "sab": ar * lda, "sah": up(ac), "sbb": br * ldb, "sbh": up(bc), "scb": s.m * ldc, "sch": up(s.n), "alpha": 0.75, "sbias": up4(s.n) + 8, "z0": 0}
	b := Arg{Elems: (unit + s.batch*br*ldb + 7) / 8 * 8}
	if k.Consts["BF16"] == 1 {
		b.DType = backend.BF16
	}
	c := Arg{Elems: (2*unit + s.batch*s.m*ldc + 3) / 4 * 4, Skip: func(i int) bool {
		// the columns that fill the last vec4 of a row
		col := (i - 2*unit) % ldc
		return i >= 2*unit && col < up(s.n)*s.heads && col%up(s.n) >= s.n
	}}
	args := map[string]Arg{"a": {Elems: (3*unit + s.batch*ar*lda + 3) / 4 * 4}, "b": b, "c": c}
	if form := k.Consts["NOISE"]; form > 0 {
		u["sbb"], u["z0"] = 0, unit
		args["z"] = zoPacked(br*ldb, form, 1.0/64, 0.7)
	}
	if k.Consts["BIAS"] == 1 {
		args["bias"] = Arg{Elems: 12 + 2*up4(s.n)}
	}
	if k.Consts["RES"] == 1 {
		args["residual"] = Arg{Elems: c.Elems}
	}
	if k.Consts["PRE"] == 1 {
		args["pre"] = c
	}
	return Case{Kernel: k.Name, Consts: k.Consts, Name: num("m", s.m, "n", s.n, "k", s.k, "batch", s.batch, "heads", s.heads, "ga", s.ga, "gb", s.gb),
		Args: args, U: u, Tol: Reduce(s.k)}
}

func up4(n int) int { return (n + 3) / 4 * 4 }
