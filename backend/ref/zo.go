package ref

import (
	"math"
	"math/bits"
)

// Streams of the generator: the last word of Philox's counter. See docs/replay-log.md.
const (
	zoSigns    = 0 // a bit an element
	zoRounding = 1 // 16 bits an element, for stochastic rounding
	zoCounts   = 2 // a word an element
	zoLeft     = 3 // a word a row of the left factor
	zoRight    = 4 // a word a row of the right factor
)

// Kinds of noise, the KIND constant of kernels that make it.
const (
	zoRademacher = 1 // +1, -1
	zoBinomial   = 2 // popcount of 32 bits - 16: variance 8
	zoLowRank    = 3 // sum over r of u v, u and v +-1: variance r
)

// zoWord is word n of a stream of one tensor: lane n % 4 of block n / 4.
func zoWord(key [2]uint32, tensor, stream uint32, n int) uint32 {
	return Philox([4]uint32{uint32(n / 4), tensor, 0, stream}, key)[n%4]
}

// zoValue is the noise of element e = row * cols + col of a tensor, an integer. zo is the host's table, see shaders/zo_noise.wgsl.
func zoValue(kind int, zo []float64, tensor uint32, e, cols int) float64 {
	key := [2]uint32{uint32(zo[0]), uint32(zo[1])}
	switch kind {
	case zoRademacher:
		return 1 - 2*float64(zoWord(key, tensor, zoSigns, e/32)>>(e%32)&1)
	case zoBinomial:
		return float64(bits.OnesCount32(zoWord(key, tensor, zoCounts, e)) - 16)
	default:
		u := zoWord(key, tensor, zoLeft, e/cols)
		v := zoWord([2]uint32{uint32(zo[5]), uint32(zo[6])}, tensor, zoRight, e%cols)
		mask := uint32(zo[7])
		return float64(bits.OnesCount32(mask) - 2*bits.OnesCount32((u^v)&mask))
	}
}

// zoAt reads the noise of the element that lies at i from what kernel zo_noise wrote: packed 1 is a bit, 2 a signed byte an element.
func zoAt(z []float64, packed, i int) float64 {
	if packed == 1 {
		return 1 - 2*float64(uint32(z[8+i/32])>>(i%32)&1)
	}
	return float64(int8(uint32(z[8+i/4]) >> (8 * (i % 4))))
}

// laidNoise is the noise of a weight as it lies: what kernel zo_noise left, or, where the kernel makes it (MAKE), the elements from e0 on.
type laidNoise struct {
	key     [2]uint32
	scalars []float64
	at      func(i int) float64
	sparse  bool
	limit   float64 // with sparse, larger elements stay
}

func zoLaid(c *Call) laidNoise {
	n := laidNoise{sparse: c.Const("SPARSE") == 1}
	var limit float64 // the bits
	if c.Const("MAKE") == 1 {
		zo := c.X("zo")
		n.key, n.scalars, limit = [2]uint32{uint32(zo[0]), uint32(zo[1])}, zo[2:], zo[16+c.N("tensor")]
		n.at = func(i int) float64 { return zoValue(zoRademacher, zo, uint32(c.N("tensor")), c.N("e0")+i, 1) }
	} else {
		z := c.X("z")
		n.key, n.scalars, limit = [2]uint32{uint32(z[2]), uint32(z[3])}, z, z[4]
		n.at = func(i int) float64 { return zoAt(z, c.Const("NOISE"), i) }
	}
	n.limit = float64(math.Float32frombits(uint32(limit)))
	return n
}

// moved is w, which lies at i, plus its noise times scalar b.
func (n *laidNoise) moved(w float64, i, b int) float64 {
	if n.sparse && !(math.Abs(w) <= n.limit) {
		return w
	}
	return w + float64(math.Float32frombits(uint32(n.scalars[b])))*n.at(i)
}

// pairRow is the row of a vector with a row for each half of a batch, PAIR, that item i takes; 0 without.
func pairRow(c *Call, i int) int {
	if c.Const("PAIR") == 0 {
		return 0
	}
	return i / c.N("per")
}
