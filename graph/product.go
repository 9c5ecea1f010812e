package graph

import (
	"luthier/backend"
	"luthier/shaders"
)

// product is one launch of the matmul contract: every field is a uniform or a constant of shaders/matmul.wgsl. Offsets, leading
// dimensions and strides count elements.
type product struct {
	TA, TB, BF16, Acc  bool
	Act                Act
	Alpha              float32
	Batches, Heads     int // batch z is (z / Heads, z % Heads)
	M, N, K            int
	A, B, C            Ref
	Bias, Res, Pre     Ref
	LDA, LDB, LDC      int
	A0, B0, C0, Bias0  int
	GA, GB             int // query heads that share a head of a, of b; 0 means 1
	SAB, SAH, SBB, SBH int
	SCB, SCH           int
	Noise              int // packed form of the noise of b in Z, 0 for none
	Sparse, Pair       bool
	Z                  Ref
	SBias, Z0          int
}

// product picks a variant for the adapter and the shape and launches it.
func (l *Lowerer) product(p product) {
	if p.M == 0 || p.N == 0 || p.Batches == 0 {
		return
	}
	if l.Software() && p.K > maxLoop {
		l.longProduct(p)
		return
	}
	v := l.variant(&p)
	if rows, cols := l.piece(&p, v); rows < p.M || cols < p.N {
		l.pieces(p, rows, cols)
		return
	}
	c := shaders.Consts{}
	for k, val := range v.consts {
		c[k] = val
	}
	args := Args{"a": p.A, "b": p.B, "c": p.C}
	set := func(name string, on bool) {
		if on {
			c[name] = 1
		}
	}
	set("TA", p.TA)
	set("TB", p.TB)
	set("BF16", p.BF16)
	set("ACC", p.Acc)
	set("SPARSE", p.Sparse)
	set("PAIR", p.Pair)
	if p.Act != 0 {
		c["ACT"] = int(p.Act)
	}
	for _, x := range []struct {
		name string
		ref  Ref
		arg  string
	}{{"BIAS", p.Bias, "bias"}, {"RES", p.Res, "residual"}, {"PRE", p.Pre, "pre"}, {"NOISE", p.Z, "z"}} {
		if x.ref.s != nil {
			c[x.name] = 1
			args[x.arg] = x.ref
		}
	}
	if p.Noise > 0 {
		c["NOISE"] = p.Noise
	}
	u := backend.U{"m": p.M, "n": p.N, "k": p.K, "heads": max(p.Heads, 1), "lda": p.LDA, "ldb": p.LDB, "ldc": p.LDC, "bias0": p.Bias0,
		"a0": p.A0, "b0": p.B0, "c0": p.C0, "ga": max(p.GA, 1), "sab": p.SAB, "sah": p.SAH, "sbb": p.SBB, "sbh": p.SBH,
		"scb": p.SCB, "sch": p.SCH, "gb": max(p.GB, 1), "alpha": p.Alpha, "sbias": p.SBias, "z0": p.Z0}
	groups := [3]uint32{uint32((p.N + v.cols - 1) / v.cols), uint32((p.M + v.rows - 1) / v.rows), uint32(p.Batches)}
	l.Dispatch(v.kernel, c, groups, args, u, 2*float64(p.Batches)*float64(p.M)*float64(p.N)*float64(p.K))
}

// variant is a kernel file with its constants, and the outputs that one of its workgroups makes.
type variant struct {
	kernel     string
	consts     shaders.Consts
	rows, cols int
}

// plainMatmul takes any shape.
var plainMatmul = variant{kernel: "matmul", rows: 1, cols: 64}

// variant chooses by the class of the adapter, the alignment and the shape.
func (l *Lowerer) variant(p *product) variant {
	aligned := true
	for _, n := range []int{p.LDA, p.LDB, p.LDC, p.A0, p.B0, p.C0, p.Bias0, p.SAB, p.SAH, p.SBB, p.SBH, p.SCB, p.SCH, p.SBias, p.Z0} {
		aligned = aligned && n%4 == 0
	}
	if !aligned {
		return plainMatmul
	}
	if l.Software() {
		return softwareMatmul(p)
	}
	return gpuMatmul(l.Info, p)
}

// softwareMatmul picks a tile of matmul_cpu: 16 rows x 128 columns where the shape fills it (5/8 of the time of 8 x 64, though the sums do
// not all fit the registers: a and b are loaded half as often); lanes go down where there are few columns.
func softwareMatmul(p *product) variant {
	if p.TB || (!p.TA && p.K%4 != 0) {
		return plainMatmul
	}
	rows, lanes, cols := 8, 8, 2
	switch {
	case p.N <= 8:
		lanes = 1
	case p.N <= 16:
		lanes = 2
	case p.N <= 32:
		lanes = 4
	case p.M <= 4:
		rows = 4
	case p.M >= 64 || p.M%16 == 0:
		rows = 16
		if p.N >= 128 {
			cols = 4
		}
	}
	return variant{"matmul_cpu", shaders.Consts{"ROWS": rows, "LANES": lanes, "COLS": cols}, 8 / lanes * rows, 4 * cols * lanes}
}

// gpuMatmul is the table for GPUs, by static figures of real compilers (docs/numerics.md has no timing of them): the first line that fits.
func gpuMatmul(info backend.Info, p *product) variant {
	if p.K%4 != 0 {
		return plainMatmul
	}
	switch {
	case p.M <= 4 && !p.TA:
		v := variant{"matmul_gemv", shaders.Consts{"ROWS": 4}, 4, 32}
		if p.M == 1 {
			v.consts, v.rows = shaders.Consts{"ROWS": 1}, 1
		}
		if p.TB {
			v.cols = 4
		}
		return v
	case p.N <= 32:
		return variant{"matmul_skinny", nil, 64, 16}
	case p.M <= 32:
		return variant{"matmul_skinny", shaders.Consts{"WIDE": 1}, 16, 64}
	case p.M >= 512 && p.N >= 512 && bigTiles(info):
		return variant{"matmul_big", nil, 128, 128}
	}
	return variant{"matmul_tile", nil, 128, 64}
}
