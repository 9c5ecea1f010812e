package zeroth

import "math/bits"

// Streams of the generator: the last word of Philox's counter.
const (
	signs    = 0 // a bit an element
	rounding = 1 // 16 bits an element, for stochastic rounding
	counts   = 2 // a word an element
	left     = 3 // a word a row of the left factor
	right    = 4 // a word a column of the right factor
	seeding  = 0x73656564
)

// philox is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), the host's twin of shaders/shared/philox.wgsl.
func philox(c0, c1, c2, c3 uint32, seed uint64) (uint32, uint32, uint32, uint32) {
	k0, k1 := uint32(seed), uint32(seed>>32)
	for range 10 {
		hi0, lo0 := bits.Mul32(0xd2511f53, c0)
		hi1, lo1 := bits.Mul32(0xcd9e8d57, c2)
		c0, c1, c2, c3 = hi1^c1^k0, lo1, hi0^c3^k1, lo0
		k0 += 0x9e3779b9
		k1 += 0xbb67ae85
	}
	return c0, c1, c2, c3
}

// words fills dst with words n, n+1, ... of a stream of a tensor: word n is lane n % 4 of the block at counter (n / 4, tensor, 0, stream).
func words(dst []uint32, seed uint64, tensor, stream uint32, n int) {
	var b [4]uint32
	for i := 0; i < len(dst); {
		b[0], b[1], b[2], b[3] = philox(uint32((n+i)/4), tensor, 0, stream, seed)
		i += copy(dst[i:], b[(n+i)%4:])
	}
}

// Seed is that of one direction of one step of a run: words 0 and 1, low and high, of Philox at counter (step, direction, 0, "seed").
func Seed(run uint64, step, direction uint32) uint64 {
	lo, hi, _, _ := philox(step, direction, 0, seeding, run)
	return uint64(hi)<<32 | uint64(lo)
}

// RightSeed is that of the right factor of low-rank noise, the same for a period of that many steps (LOZO's nu; 2410.07698).
func RightSeed(run uint64, step uint32, period int) uint64 {
	return Seed(run, step/uint32(max(1, period)), 0xffffffff)
}
