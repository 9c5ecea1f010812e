package parity

import (
	"math"

	"luthier/backend"
)

// zoTable is the host's table of zeroth-order noise for tensors up to number 6: seed, scalars a and -a, second seed, mask of rank 3.
func zoTable(a, threshold float32) Arg {
	w := []uint32{0x9e3779b9, 0x12345678, math.Float32bits(a), math.Float32bits(-a), 0, 0xdeadbeef, 7, 7}
	return Arg{Elems: 24, DType: backend.U32, Fill: func(i int) float64 {
		switch {
		case i < len(w):
			return float64(w[i])
		case i >= 16:
			return float64(math.Float32bits(threshold))
		}
		return 0
	}}
}

// zoPacked is packed noise for elems elements: the header, and words that look like noise of the packed form, 1 or 2.
func zoPacked(elems, form int, a, threshold float32) Arg {
	words := (elems + 31) / 32
	if form == 2 {
		words = (elems + 3) / 4
	}
	head := []uint32{math.Float32bits(a), math.Float32bits(-1.5 * a), 0x9e3779b9, 0x12345678, math.Float32bits(threshold), 0, 0, 0}
	return Arg{Elems: 8 + words, DType: backend.U32, Fill: func(i int) float64 {
		if i < 8 {
			return float64(head[i])
		}
		h := uint32(i)*2654435761 ^ 0x5bd1e995
		h ^= h >> 13
		h *= 0x85ebca6b
		if form == 2 { // bytes from -16 to 15
			return float64((h & 0x0f0f0f0f) | (h & 0x10101010 >> 4 * 0xf0))
		}
		return float64(h)
	}}
}
