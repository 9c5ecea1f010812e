package parity

import (
	"luthier/backend"
	"luthier/shaders"
)

// Odd and even sizes, tails of every kind, rows longer than the matrix, and heads that lie side by side (x of [B, T, heads * d]).
var _ = register("transpose", func() []Case {
	cases := []Case{}
	for _, s := range []struct{ rows, cols, padx, pady, batch, heads int }{
		{1, 1, 0, 0, 1, 1}, {5, 7, 0, 0, 1, 1}, {33, 65, 3, 1, 1, 1}, {31, 100, 0, 5, 3, 1}, {37, 9, 2, 0, 2, 3},
	} {
		cases = append(cases, transposeCase(nil, 1, s.rows, s.cols, s.padx, s.pady, s.batch, s.heads))
		cases = append(cases, transposeCase(shaders.Consts{"V4": 1}, 4, s.rows, s.cols, 4*s.padx, 4*s.pady, s.batch, s.heads))
		cases = append(cases, transposeCase(shaders.Consts{"BF16": 1}, 2, 2*s.rows, 2*s.cols, 2*s.padx, 2*s.pady, s.batch, s.heads))
		cases = append(cases, transposeCase(shaders.Consts{"V4": 1, "BF16": 1}, 4, s.rows, s.cols, 4*s.padx, 4*s.pady, s.batch, s.heads))
	}
	return cases
})

// transposeCase turns batch * heads matrices whose leading dimensions and offsets are multiples of unit.
func transposeCase(consts shaders.Consts, unit, rows, cols, padx, pady, batch, heads int) Case {
	up := func(n, m int) int { return (n + m - 1) / m * m }
	width := up(cols, unit)
	ldx, ldy := width*heads+padx, up(rows, unit)+pady
	x0, y0 := 3*unit, 2*unit
	sxb, sy := rows*ldx, cols*ldy
	z := batch * heads
	k, err := shaders.Load("transpose", consts)
	if err != nil {
		panic(err) // the file is part of the program
	}
	t := backend.F32
	if consts["BF16"] == 1 {
		t = backend.BF16
	}
	// y has four rows to spare, which must stay as they are
	skip := func(i int) bool { // V4 writes zeros behind the rows, up to a multiple of 4
		i -= y0
		return i >= 0 && i < z*sy && i%ldy >= rows && i%ldy < up(rows, 4)
	}
	return Case{Kernel: "transpose", Consts: consts, Name: num("rows", rows, "cols", cols, "ldx", ldx, "ldy", ldy, "batch", batch, "heads", heads),
		Groups: [3]uint32{uint32(up(cols, k.Consts["TILEX"]) / k.Consts["TILEX"]), uint32(up(rows, k.Consts["TILEY"]) / k.Consts["TILEY"]), uint32(z)},
		Args:   map[string]Arg{"x": {Elems: up(x0+batch*sxb, 4), DType: t}, "y": {Elems: up(y0+z*sy+4*ldy, 4), DType: t, Skip: skip}},
		U:      backend.U{"rows": rows, "cols": cols, "ldx": ldx, "ldy": ldy, "heads": heads, "x0": x0, "sxb": sxb, "sxh": width, "y0": y0, "sy": sy}}
}
