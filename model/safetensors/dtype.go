// Package safetensors reads and writes weight files: the safetensors container, and Hugging Face's layout of a model
// directory with one file or with shards and an index. A file is mapped, not copied; its header is believed only
// after every field has been checked, so a damaged or hostile file is an error that says what is wrong, never a panic.
//
// Format: as the safetensors library documents it (8 bytes little-endian header length, JSON header, data).
package safetensors

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Element types that this package computes with. Others can be listed and copied only.
const (
	F64  = "F64"
	F32  = "F32"
	F16  = "F16"
	BF16 = "BF16"
	I64  = "I64"
	I32  = "I32"
	I16  = "I16"
	I8   = "I8"
	U8   = "U8"
	BOOL = "BOOL"
)

// dtypeBits gives the bits of one element. Its order is that of the reference implementation, which lays tensors out
// from the last entry to the first, so that each starts aligned to its own size.
var dtypeBits = []struct {
	name string
	bits uint64
}{
	{BOOL, 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {U8, 8}, {I8, 8},
	{"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
	{I16, 16}, {"U16", 16}, {F16, 16}, {BF16, 16},
	{I32, 32}, {"U32", 32}, {F32, 32}, {"C64", 64}, {F64, 64}, {I64, 64}, {"U64", 64},
}

// dtypeRank is the position of dtype in dtypeBits, -1 for one that the format does not know.
func dtypeRank(dtype string) int {
	for i, d := range dtypeBits {
		if d.name == dtype {
			return i
		}
	}
	return -1
}

func dtypeNames() string {
	var s []string
	for _, d := range dtypeBits {
		s = append(s, d.name)
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

// byteSize is the length of a tensor's data, or why there is none.
func byteSize(dtype string, shape []int) (int, error) {
	rank := dtypeRank(dtype)
	if rank < 0 {
		return 0, fmt.Errorf("dtype %q is unknown (known: %s)", dtype, dtypeNames())
	}
	total := dtypeBits[rank].bits
	for i, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v: dimension %d is negative", shape, i)
		}
		hi, lo := bits.Mul64(total, uint64(d))
		if hi != 0 || lo > 1<<62 {
			return 0, fmt.Errorf("shape %v of %s overflows", shape, dtype)
		}
		total = lo
	}
	if total%8 != 0 {
		return 0, fmt.Errorf("shape %v of %s does not fill whole bytes", shape, dtype)
	}
	if total/8 > uint64(^uint(0)>>1) {
		return 0, fmt.Errorf("shape %v of %s is more than this machine can address", shape, dtype)
	}
	return int(total / 8), nil
}
