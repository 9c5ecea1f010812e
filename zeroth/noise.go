package zeroth

import (
	"math"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// Noise is a distribution of z, integers all.
type Noise string

// The kinds of noise.
const (
	Rademacher Noise = "rademacher" // +1 or -1: variance 1
	Gaussian   Noise = "gaussian"   // popcount of 32 random bits - 16, near N(0, 8)
	LowRank    Noise = "lowrank"    // U V^T with factors of +-1: variance r (LOZO); a vector gets Rademacher
)

// Term is one addition of an update: w = f32(w + S z) for every weight, z made from Seed. Rank and Right, the seed of the right factor, are
// of low-rank noise alone. A term whose S is 0 leaves the weights as they are.
type Term struct {
	Seed  uint64
	S     float32
	Noise Noise
	Right uint64
	Rank  int
}

// chunk is how many elements are made at once; a multiple of 128, the elements of a block of signs.
const chunk = 2048

// Values fills dst with z of elements e, e+1, ... of tensor number `tensor` [rows, cols], row by row.
func (t *Term) Values(dst []int8, rows, cols int, tensor, e int) {
	for len(dst) > 0 {
		n := min(chunk, len(dst))
		t.values(dst[:n], rows, cols, uint32(tensor), e)
		dst, e = dst[n:], e+n
	}
}

// values is Values of at most chunk elements.
func (t *Term) values(dst []int8, rows, cols int, tensor uint32, e int) {
	var buf [chunk]uint32
	n := len(dst)
	switch {
	case t.Noise == Gaussian:
		words(buf[:n], t.Seed, tensor, counts, e)
		for i, w := range buf[:n] {
			dst[i] = int8(bits.OnesCount32(w) - 16)
		}
	case t.Noise == LowRank && rows > 1:
		for i := 0; i < n; {
			i += t.products(dst[i:], buf[:], cols, tensor, e+i)
		}
	default:
		first := e / 32
		words(buf[:(e+n-1)/32-first+1], t.Seed, tensor, signs, first)
		for i := range dst {
			at := uint(e + i)
			dst[i] = 1 - 2*int8(buf[int(at/32)-first]>>(at%32)&1)
		}
	}
}

// products is U V^T from element e on, whole rows where dst has room for them, and returns how many elements it made.
func (t *Term) products(dst []int8, v []uint32, cols int, tensor uint32, e int) int {
	mask := uint32(1)<<t.Rank - 1
	row, col := e/cols, e%cols
	end := cols
	if col > 0 || len(dst) < cols {
		end = min(cols, col+len(dst))
	}
	v = v[:end-col]
	words(v, t.Right, tensor, right, col)
	made := 0
	for ; len(dst)-made >= len(v); row++ {
		var u [1]uint32
		words(u[:], t.Seed, tensor, left, row)
		out := dst[made : made+len(v)]
		for i, b := range v {
			out[i] = int8(t.Rank - 2*bits.OnesCount32((u[0]^b)&mask))
		}
		if made += len(v); len(v) < cols {
			break
		}
	}
	return made
}

// Add adds a term to tensor number `tensor` [rows, cols] in place, one f32 addition an element.
func Add(w []float32, rows, cols int, tensor int, t Term) {
	add([]Tensor{{Rows: rows, Cols: cols, F32: w}}, tensor, []Term{t})
}

// AddBF16 is Add of weights stored as bf16: x = f32(w + S z) becomes (bits(x) + r) >> 16 with 16 bits r of the stream of rounding. An
// x that is not finite is cut off.
func AddBF16(w []uint16, rows, cols int, tensor int, t Term) {
	add([]Tensor{{Rows: rows, Cols: cols, BF16: w}}, tensor, []Term{t})
}

// add adds the terms, in order, to each tensor; the number of the first tensor is given. Elements do not depend on each other: a piece of
// a tensor gets all terms while it is at hand.
func add(ts []Tensor, first int, terms []Term) {
	type piece struct{ tensor, from, to int }
	var pieces []piece
	for i := range ts {
		n := ts[i].elems()
		for from := 0; from < n; from += 16 * chunk {
			pieces = append(pieces, piece{i, from, min(n, from+16*chunk)})
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pieces)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(pieces)); i = next.Add(1) - 1 {
				p := pieces[i]
				for e := p.from; e < p.to; e += chunk {
					for k := range terms {
						ts[p.tensor].add(&terms[k], first+p.tensor, e, min(p.to, e+chunk))
					}
				}
			}
		})
	}
	wg.Wait()
}

// add adds a term to elements e to end, at most chunk of them and e a multiple of chunk.
func (x *Tensor) add(t *Term, tensor, e, end int) {
	if t.S == 0 {
		return
	}
	var z [chunk]int8
	t.values(z[:end-e], x.Rows, x.Cols, uint32(tensor), e)
	limit := x.limit()
	if x.BF16 == nil {
		for i, w := range x.F32[e:end] {
			if magnitude(w) <= limit {
				x.F32[e+i] = w + t.S*float32(z[i])
			}
		}
		return
	}
	var r [chunk / 2]uint32
	words(r[:(end-e+1)/2], t.Seed, uint32(tensor), rounding, e/2)
	for i, h := range x.BF16[e:end] {
		w := math.Float32frombits(uint32(h) << 16)
		if !(magnitude(w) <= limit) {
			continue
		}
		b := math.Float32bits(w + t.S*float32(z[i]))
		if b&0x7f800000 != 0x7f800000 {
			b += r[i/2] >> (16 * (uint(i) % 2)) & 0xffff
		}
		x.BF16[e+i] = uint16(b >> 16)
	}
}

func magnitude(w float32) float32 { return math.Float32frombits(math.Float32bits(w) &^ (1 << 31)) }
