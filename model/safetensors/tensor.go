package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/x448/float16"
)

// Tensor is a named array, row-major and little-endian. Data of a tensor that was read lies in the file's mapping: it
// must not be written to, and is invalid once the File or Model is closed.
type Tensor struct {
	Name  string
	DType string
	Shape []int
	Data  []byte
	File  string // where it was read, for messages
}

// Elems is the number of elements: the product of Shape, 1 for a scalar.
func (t Tensor) Elems() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Slice is the flat view of elements from to to (exclusive), for tensors that are converted in parts. It panics outside
// of [0, Elems], as slicing an array does; types of
// less than a byte cannot be sliced.
func (t Tensor) Slice(from, to int) Tensor {
	width := len(t.Data) / max(t.Elems(), 1)
	t.Data = t.Data[from*width : to*width : to*width]
	t.Shape = []int{to - from}
	return t
}

func (t Tensor) fail(remedy, format string, args ...any) error {
	return &FormatError{File: t.File, Tensor: t.Name, Problem: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Float32 converts all elements into dst, which must have exactly Elems of them. F32, F16 and BF16 are exact; F64 is
// rounded to nearest, and a finite one beyond float32 is an error. Other types are refused.
func (t Tensor) Float32(dst []float32) error {
	if len(dst) != t.Elems() {
		return t.fail("", "has %d elements (shape %v), the destination has %d", t.Elems(), t.Shape, len(dst))
	}
	if size, err := byteSize(t.DType, t.Shape); err != nil || size != len(t.Data) {
		return t.fail("", "shape %v of %s does not match its %d bytes", t.Shape, t.DType, len(t.Data))
	}
	return Guard(t.File, func() error {
		switch t.DType {
		case F32:
			float32FromF32(dst, t.Data)
		case BF16:
			float32FromBF16(dst, t.Data)
		case F16:
			float32FromF16(dst, t.Data)
		case F64:
			return t.float32FromF64(dst)
		default:
			return t.fail("save the model again as BF16 or F32", "unsupported dtype %s where weights are wanted (supported: F32, BF16, F16, F64)", t.DType)
		}
		return nil
	})
}

// The loops below take two or four elements a load; the compiler turns Uint64 into one instruction.

func float32FromF32(dst []float32, src []byte) {
	i := 0
	for ; i+2 <= len(dst); i += 2 {
		x := binary.LittleEndian.Uint64(src[4*i:])
		d := dst[i : i+2 : i+2]
		d[0] = math.Float32frombits(uint32(x))
		d[1] = math.Float32frombits(uint32(x >> 32))
	}
	for ; i < len(dst); i++ {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func float32FromBF16(dst []float32, src []byte) {
	i := 0
	for ; i+4 <= len(dst); i += 4 {
		x := binary.LittleEndian.Uint64(src[2*i:])
		d := dst[i : i+4 : i+4]
		d[0] = math.Float32frombits(uint32(x) << 16)
		d[1] = math.Float32frombits(uint32(x) & 0xffff0000)
		d[2] = math.Float32frombits(uint32(x>>32) << 16)
		d[3] = math.Float32frombits(uint32(x>>32) & 0xffff0000)
	}
	for ; i < len(dst); i++ {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

// halves holds every F16 value: weights cluster in a few binades, so the part of it in use stays in the cache.
var halves = sync.OnceValue(func() *[1 << 16]float32 {
	t := new([1 << 16]float32)
	for i := range t {
		t[i] = float16.Frombits(uint16(i)).Float32()
	}
	return t
})

func float32FromF16(dst []float32, src []byte) {
	table := halves()
	i := 0
	for ; i+4 <= len(dst); i += 4 {
		x := binary.LittleEndian.Uint64(src[2*i:])
		d := dst[i : i+4 : i+4]
		d[0] = table[uint16(x)]
		d[1] = table[uint16(x>>16)]
		d[2] = table[uint16(x>>32)]
		d[3] = table[uint16(x>>48)]
	}
	for ; i < len(dst); i++ {
		dst[i] = table[binary.LittleEndian.Uint16(src[2*i:])]
	}
}

func (t Tensor) float32FromF64(dst []float32) error {
	for i := range dst {
		x := math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		dst[i] = float32(x)
		if math.IsInf(float64(dst[i]), 0) && !math.IsInf(x, 0) {
			return t.fail("", "element %d is %g, which is beyond float32", i, x)
		}
	}
	return nil
}
