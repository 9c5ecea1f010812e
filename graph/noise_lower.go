package graph

import (
	"luthier/backend"
	"luthier/shaders"
)

// makeNoise fills scratch memory with the noise of a weight, or of some of its rows, in the order in which they lie.
func (l *Lowerer) makeNoise(n noisy, s stored, table *Node) Ref {
	elems := s.elems()
	words := (elems + 31) / 32
	if n.Kind.packed() == 2 {
		words = (elems + 3) / 4
	}
	z := l.Temp(noiseHead + words)
	c := shaders.Consts{"KIND": int(n.Kind)}
	threads := words
	if n.Kind == Rademacher && !s.transposed {
		threads = (words + 3) / 4
	}
	if s.transposed {
		c["T"] = 1
		if n.Kind == Rademacher && s.cols%32 == 0 && s.ld%32 == 0 {
			c["TILE"] = 1
			threads = words / 32
		}
	}
	l.threads("zo_noise", c, threads, Args{ZOTable: l.Ref(table), "z": z}, backend.U{"tensor": n.Tensor, "rows": s.rows, "cols": s.cols,
		"ld": s.stride(), "row0": s.row0, "words": words}, float64(elems))
	return z
}

// noiseHead is the number of words before the noise itself: scalars, seed and threshold.
const noiseHead = 8

// addNoise adds the noise to the weight itself.
func (l *Lowerer) addNoise(n noisy, p Part, t backend.DType, s stored, table *Node) {
	z := l.makeNoise(n, s, table)
	c := shaders.Consts{}
	n.consts(c, n.Kind.packed())
	if t == backend.BF16 {
		c["BF16"] = 1
	}
	if s.transposed {
		c["T"] = 1
	}
	l.flat("zo_add", c, s.elems(), Args{"w": p.Ref, "z": z}, backend.U{"tensor": n.Tensor, "cols": s.cols, "ld": s.stride(), "row0": s.row0})
}

// copyNoise makes perturbed copies of a small weight.
func (l *Lowerer) copyNoise(o perturbed, p Part, y Ref, s stored, table *Node) {
	z := l.makeNoise(o.noisy, s, table)
	c := shaders.Consts{}
	o.noisy.consts(c, o.Kind.packed())
	copies := 1
	if o.Pair {
		copies = 2
	}
	n4 := up4(s.elems()) / 4
	l.threads("zo_copy", c, copies*n4, Args{"w": p.Ref, "z": z, "y": y}, backend.U{"n4": n4, "copies": copies}, float64(copies*s.elems()))
}
