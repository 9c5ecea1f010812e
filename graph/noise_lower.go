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
		for tile := 128; tile >= 32 && n.Kind == Rademacher && s.ld%32 == 0; tile /= 2 { // the widest wastes no block of the generator
			if s.cols%tile == 0 {
				c["TILE"] = tile
				threads = words / tile
				break
			}
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

// makesSigns tells whether kernels may make the noise themselves as they add it: signs of a weight that lies row by row.
func (n noisy) makesSigns(s stored) bool {
	return n.Kind == Rademacher && !s.transposed && s.row0*s.cols%128 == 0
}

// smallWeight is how many elements a GPU adds in one dispatch, with a block of the generator for each four of them, and not in two.
const smallWeight = 1 << 16

// addNoise adds the noise to the weight itself; some rows at a time where it lies row by row and its noise goes through scratch memory.
func (l *Lowerer) addNoise(n noisy, p Part, t backend.DType, s stored, table *Node) {
	if n.makesSigns(s) && (l.Software() || s.elems() <= smallWeight) {
		l.addSome(n, p.Ref, 0, t, s, table, true)
		return
	}
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
		l.addSome(n, p.Ref, r*s.cols/4, t, some, table, false)
	}
}

// addSome adds the noise to the elements from 4 w0 on. Software adapters take many elements a thread: neighbours share a load of noise and
// a block of random bits, each of which costs about what the weights themselves cost.
func (l *Lowerer) addSome(n noisy, w Ref, w0 int, t backend.DType, s stored, table *Node, makes bool) {
	c, args := shaders.Consts{}, Args{"w": w}
	n.consts(c, n.Kind.packed())
	if makes {
		c["MAKE"], args[ZOTable] = 1, l.Ref(table)
	} else {
		args["z"] = l.makeNoise(n, s, table)
	}
	if t == backend.BF16 {
		c["BF16"] = 1
	}
	if s.transposed {
		c["T"] = 1
	}
	n4, e0 := up4(s.elems())/4, s.row0*s.cols
	threads := n4
	if l.Software() && (t != backend.BF16 || s.cols%8 == 0 && e0%8 == 0) {
		c["MANY"] = 1
		threads = (n4 + 7) / 8
		if makes && t != backend.BF16 {
			threads = (n4 + 31) / 32
		}
	}
	l.threads("zo_add", c, threads, args, backend.U{"n4": n4, "tensor": n.Tensor, "cols": s.cols, "ld": s.stride(), "e0": e0, "w0": w0}, float64(s.elems()))
}

// copyNoise makes perturbed copies of a small weight.
func (l *Lowerer) copyNoise(o perturbed, p Part, y Ref, s stored, table *Node) {
	c, args := shaders.Consts{}, Args{"w": p.Ref, "y": y}
	o.noisy.consts(c, o.Kind.packed())
	n4 := up4(s.elems()) / 4
	u := backend.U{"rows": 1, "c4": n4, "ld4": n4, "w0": 0}
	if o.makesSigns(s) {
		c["MAKE"], args[ZOTable], u["tensor"], u["e0"] = 1, l.Ref(table), o.Tensor, s.row0*s.cols
	} else {
		args["z"] = l.makeNoise(o.noisy, s, table)
	}
	copies := 1
	if o.Pair {
		copies = 2
	}
	l.copyRows(c, copies, args, u)
}
