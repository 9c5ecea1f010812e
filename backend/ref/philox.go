package ref

import "math/bits"

// Philox is Philox4x32-10 (Salmon et al. 2011): four random words from a counter and a key, as shaders/shared/philox.wgsl has it.
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	c := counter
	for range 10 {
		hi0, lo0 := bits.Mul32(0xd2511f53, c[0])
		hi1, lo1 := bits.Mul32(0xcd9e8d57, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ key[0], lo1, hi0 ^ c[3] ^ key[1], lo0}
		key[0] += 0x9e3779b9
		key[1] += 0xbb67ae85
	}
	return c
}
