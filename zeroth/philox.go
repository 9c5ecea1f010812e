package zeroth

import "luthier/internal/philox"

// Streams of the generator: the last word of Philox's counter.
const (
	signs    = 0 // a bit an element
	rounding = 1 // 16 bits an element, for stochastic rounding
	counts   = 2 // a word an element
	left     = 3 // a word a row of the left factor
	right    = 4 // a word a column of the right factor
	seeding  = 0x73656564
)

// words fills dst with words n, n+1, ... of a stream of a tensor: word n is lane n % 4 of the block at counter (n / 4, tensor, 0, stream).
func words(dst []uint32, seed uint64, tensor, stream uint32, n int) {
	for i := 0; i < len(dst); {
		b := philox.Block([4]uint32{uint32((n + i) / 4), tensor, 0, stream}, seed)
		i += copy(dst[i:], b[(n+i)%4:])
	}
}

// Seed is that of one direction of one step of a run: words 0 and 1, low and high, of Philox at counter (step, direction, 0, "seed").
func Seed(run uint64, step, direction uint32) uint64 {
	b := philox.Block([4]uint32{step, direction, 0, seeding}, run)
	return uint64(b[1])<<32 | uint64(b[0])
}

// RightSeed is that of the right factor of low-rank noise, the same for a period of that many steps (LOZO's nu; 2410.07698).
func RightSeed(run uint64, step uint32, period int) uint64 {
	return Seed(run, step/uint32(max(1, period)), 0xffffffff)
}
