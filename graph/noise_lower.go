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
	threads := (words + 3) / 4
	if s.transposed {
		c["T"] = 1
		if n.Kind == Rademacher {
			threads = words
		}
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

// noisePart is about how many words of noise the update makes at once: the noise of a table of embeddings would be the largest scratch of
// a program that has no other.
const noisePart = 1 << 18

// addNoise adds the noise to the weight itself, some rows at a time where it lies row by row.
func (l *Lowerer) addNoise(n noisy, p Part, t backend.DType, s stored, table *Node) {
	per := s.rows
	if !s.transposed {
		perWord := 32 // elements
		if n.Kind.packed() == 2 {
			perWord = 4
		}
		per = max(128, noisePart*perWord/s.cols&^127) // parts begin at whole blocks of the generator
	}
	for r := 0; r < s.rows; r += per {
		some := s
		some.row0, some.rows = s.row0+r, min(per, s.rows-r)
		l.addSome(n, p.Ref, r*s.cols/4, t, some, table)
	}
}

// addSome adds the noise to the elements from 4 w0 on.
func (l *Lowerer) addSome(n noisy, w Ref, w0 int, t backend.DType, s stored, table *Node) {
	z := l.makeNoise(n, s, table)
	c := shaders.Consts{}
	n.consts(c, n.Kind.packed())
	if t == backend.BF16 {
		c["BF16"] = 1
	}
	if s.transposed {
		c["T"] = 1
	}
	l.flat("zo_add", c, s.elems(), Args{"w": w, "z": z}, backend.U{"tensor": n.Tensor, "cols": s.cols, "ld": s.stride(), "row0": s.row0, "w0": w0})
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
	l.copyRows(c, copies, Args{"w": p.Ref, "z": z, "y": y}, backend.U{"rows": 1, "c4": n4, "ld4": n4, "w0": 0})
}
