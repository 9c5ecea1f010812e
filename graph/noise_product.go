package graph

import (
	"luthier/backend"
	"luthier/shaders"
)

// noisyProduct is a product whose b is a part of a weight, with its noise where n says so.
func (l *Lowerer) noisyProduct(p product, n *perturbation, part Part) {
	l.noise(&p, n, part)
	l.noisy(p, n.noisy)
}

// noisy is a product that knows its noise.
func (l *Lowerer) noisy(p product, n noisy) {
	if p.Noise > 0 && l.Software() && worthCopying(&p) {
		l.panels(p, n)
		return
	}
	l.product(p)
}

// worthCopying tells whether software adapters do better with a perturbed copy of b than with the noise added where b is loaded, which each
// tile of rows does again: there the addition costs a sixth of the product, a copy a few hundredths of one of 512 rows. GPUs share the loaded tile
// among 64 rows and more. The copy has the same bits: one addition an element.
func worthCopying(p *product) bool {
	plain := p.Heads <= 1 && (p.Batches == 1 || p.halved()) && p.B0 == 0 && p.LDB%4 == 0
	return plain && !p.TA && !p.TB && p.M >= 32 && p.N > 32 && p.K > 32
}

// panelBytes is about how much of a weight is copied at once.
const panelBytes = 1 << 20

// panels multiplies by some columns of b after the other, each copied with its noise into scratch memory.
func (l *Lowerer) panels(p product, n noisy) {
	c := shaders.Consts{}
	n.consts(c, p.Noise)
	if p.BF16 {
		c["BF16"] = 1
	}
	width := max(128, panelBytes/(4*p.K*p.Batches)&^127) // whole tiles of the widest kernel
	for from := 0; from < p.N; from += width {
		q := p
		q.N = min(width, p.N-from)
		ld := up4(q.N)
		y := l.Temp(p.Batches * p.K * ld)
		l.copyRows(c, p.Batches, Args{"w": p.B, "z": p.Z, "y": y}, backend.U{"rows": p.K, "c4": ld / 4, "ld4": p.LDB / 4, "w0": from / 4})
		q.B, q.LDB, q.SBB, q.BF16 = y, ld, 0, false
		if p.Batches > 1 {
			q.SBB = p.K * ld
		}
		q.C0, q.Bias0 = p.C0+from, p.Bias0+from
		q.Noise, q.Sparse, q.Z, q.Z0 = 0, false, Ref{}, 0
		l.product(q)
	}
}

// copyDepth is DEPTH of kernel zo_copy.
const copyDepth = 16

// copyRows makes perturbed copies of rows of a weight.
func (l *Lowerer) copyRows(c shaders.Consts, copies int, args Args, u backend.U) {
	rows, c4 := u["rows"].(int), u["c4"].(int)
	k := shaders.Consts{}
	for name, v := range c {
		k[name] = v
	}
	flops := float64(4 * copies * rows * c4)
	if l.Software() && k["MAKE"] == 0 && c4%8 == 0 && u["ld4"].(int)%8 == 0 && u["w0"].(int)%8 == 0 {
		k["MANY"] = copies
		l.threads("zo_copy", k, rows*c4/8, args, u, flops)
		return
	}
	groups := [3]uint32{uint32((c4 + flatWG - 1) / flatWG), uint32((rows + copyDepth - 1) / copyDepth), uint32(copies)}
	k["WG"], k["DEPTH"] = flatWG, copyDepth
	l.Dispatch("zo_copy", k, groups, args, u, flops)
}
