package safetensors

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// lanes scans 8 bytes at a time as 1, 2 or 4 floats. With the sign masked off, adding `inf` carries into the sign bit
// of exactly the lanes whose magnitude is infinity or NaN, adding `nan` only those of NaN; no lane overflows into its
// neighbour, since a magnitude is at most 0x7fff... and the addend at most its half.
type lanes struct{ bits, abs, inf, nan uint64 }

var floatLanes = map[string]lanes{
	F64:  {64, 0x7fffffffffffffff, 0x0010000000000000, 0x000fffffffffffff},
	F32:  {32, 0x7fffffff_7fffffff, 0x00800000_00800000, 0x007fffff_007fffff},
	BF16: {16, 0x7fff_7fff_7fff_7fff, 0x0080_0080_0080_0080, 0x007f_007f_007f_007f},
	F16:  {16, 0x7fff_7fff_7fff_7fff, 0x0400_0400_0400_0400, 0x03ff_03ff_03ff_03ff},
}

// FirstNonFinite returns the index of the first element that is NaN or infinite, by its bits. Types other than F64,
// F32, F16 and BF16 have none; data that cannot be read any more counts as not finite at 0.
func FirstNonFinite(t Tensor) (index int, found bool) {
	return t.scan(func(l lanes) uint64 { return l.inf })
}

// HasNaN reports whether an element of t is NaN; see FirstNonFinite.
func HasNaN(t Tensor) bool {
	_, found := t.scan(func(l lanes) uint64 { return l.nan })
	return found
}

func (t Tensor) scan(addend func(lanes) uint64) (index int, found bool) {
	l, ok := floatLanes[t.DType]
	if !ok {
		return 0, false
	}
	if err := Guard(t.File, func() error { index, found = l.first(t.Data, addend(l)); return nil }); err != nil {
		return 0, true
	}
	return index, found
}

// FirstNonFiniteFloat32 is FirstNonFinite for numbers on their way to a file.
func FirstNonFiniteFloat32(x []float32) (index int, found bool) {
	// x-x is 0 for a finite number and NaN for the others; Go, unlike a shader compiler, keeps that.
	index = slices.IndexFunc(x, func(v float32) bool { return v-v != 0 })
	return max(index, 0), index >= 0
}

// first returns the index of the first lane that adding `add` carries out of. The fast loop joins 32 bytes and looks
// closer only where something was found.
func (l lanes) first(data []byte, add uint64) (int, bool) {
	sign := ^l.abs
	per := int(64 / l.bits)
	i := 0
	for ; i+32 <= len(data); i += 32 {
		d := data[i : i+32 : i+32]
		a := binary.LittleEndian.Uint64(d)&l.abs + add
		b := binary.LittleEndian.Uint64(d[8:])&l.abs + add
		c := binary.LittleEndian.Uint64(d[16:])&l.abs + add
		e := binary.LittleEndian.Uint64(d[24:])&l.abs + add
		if (a|b|c|e)&sign != 0 {
			break
		}
	}
	for ; i < len(data); i += 8 {
		var word [8]byte // zeros behind the end are finite
		copy(word[:], data[i:])
		if hit := (binary.LittleEndian.Uint64(word[:])&l.abs + add) & sign; hit != 0 {
			return i/8*per + bits.TrailingZeros64(hit)/int(l.bits), true
		}
	}
	return 0, false
}
