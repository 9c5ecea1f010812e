package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/x448/float16"
)

// BF16FromFloat32 rounds to nearest, ties to even; NaN stays NaN.
func BF16FromFloat32(x float32) uint16 {
	u := math.Float32bits(x)
	if u&0x7fffffff > 0x7f800000 {
		return uint16(u>>16) | 0x40 // a payload only in the dropped bits would round to infinity
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// PutFloat32 converts src to dtype F32, BF16 or F16 (to nearest, ties to even) into dst, which must hold them exactly.
// overflow is the index of the first finite number that became infinite, -1 where none did.
func PutFloat32(dst []byte, dtype string, src []float32) (overflow int, err error) {
	size, err := byteSize(dtype, []int{len(src)})
	if err != nil {
		return -1, err
	}
	if len(dst) != size {
		return -1, fmt.Errorf("%d numbers as %s need %d bytes, the destination has %d", len(src), dtype, size, len(dst))
	}
	switch dtype {
	case F32:
		for i, x := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(x))
		}
		return -1, nil
	case BF16:
		return putHalves(dst, src, 0x7f80, BF16FromFloat32), nil
	case F16:
		return putHalves(dst, src, 0x7c00, func(x float32) uint16 { return float16.Fromfloat32(x).Bits() }), nil
	}
	return -1, fmt.Errorf("numbers are written as F32, BF16 or F16, not as %s", dtype)
}

func putHalves(dst []byte, src []float32, inf uint16, half func(float32) uint16) (overflow int) {
	overflow = -1
	for i, x := range src {
		h := half(x)
		binary.LittleEndian.PutUint16(dst[2*i:], h)
		if h&0x7fff == inf && overflow < 0 && !math.IsInf(float64(x), 0) {
			overflow = i
		}
	}
	return overflow
}

// chunk is how many numbers FromFloat32 converts at a time: the copy in memory stays small beside any model.
const chunk = 1 << 16

// FromFloat32 is a tensor to be written as dtype (F32, BF16 or F16) from src, converted as it is written. A finite
// number that does not fit dtype is an error.
func FromFloat32(name, dtype string, shape []int, src []float32) Out {
	return Out{Name: name, DType: dtype, Shape: shape, Stream: func(w io.Writer) error {
		buf := make([]byte, 4*min(chunk, len(src)))
		for done := 0; done < len(src); done += chunk {
			part := src[done:min(done+chunk, len(src))]
			size, err := byteSize(dtype, []int{len(part)})
			if err != nil || size > len(buf) {
				return fmt.Errorf("numbers are written as F32, BF16 or F16, not as %s", dtype)
			}
			over, err := PutFloat32(buf[:size], dtype, part)
			if err != nil {
				return err
			}
			if over >= 0 {
				return fmt.Errorf("element %d is %g, which is beyond %s: write it as F32", done+over, part[over], dtype)
			}
			if _, err := w.Write(buf[:size]); err != nil {
				return err
			}
		}
		return nil
	}}
}
