package zeroth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Tensor is a trained weight [rows, cols] in host memory, row by row; a vector is one row. Just one of F32 and BF16 is set.
type Tensor struct {
	Name       string
	Rows, Cols int
	F32        []float32
	BF16       []uint16
	// Threshold: elements whose magnitude is above it stay as they are (Sparse-MeZO); nil for none.
	Threshold *float64
}

func (x *Tensor) elems() int { return len(x.F32) + len(x.BF16) }

func (x *Tensor) limit() float32 { return limit(x.Threshold) }

func (t *TensorInfo) limit() float32 { return limit(t.Threshold) }

// limit is a threshold, +inf where there is none.
func limit(threshold *float64) float32 {
	if threshold == nil {
		return float32(math.Inf(1))
	}
	return float32(*threshold)
}

// Info is what a log's header says of the tensor.
func (x *Tensor) Info() TensorInfo {
	return TensorInfo{Name: x.Name, Shape: [2]int{x.Rows, x.Cols}, DType: x.dtype(), Threshold: x.Threshold}
}

func (x *Tensor) dtype() string {
	if x.BF16 != nil {
		return "bf16"
	}
	return "f32"
}

// WriteTo writes the elements, little-endian: what hashes of weights are made of.
func (x *Tensor) WriteTo(w io.Writer) (written int64, err error) {
	var buf []byte
	for from := 0; from < x.elems() && err == nil; from += chunk {
		to := min(from+chunk, x.elems())
		buf = buf[:0]
		if x.BF16 != nil {
			for _, h := range x.BF16[from:to] {
				buf = binary.LittleEndian.AppendUint16(buf, h)
			}
		} else {
			for _, v := range x.F32[from:to] {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
			}
		}
		var n int
		n, err = w.Write(buf)
		written += int64(n)
	}
	return written, err
}

// Hash is the sha256 over the bytes of all tensors, in order.
func Hash(ts []Tensor) (sum [32]byte) {
	h := sha256.New()
	for i := range ts {
		_, _ = ts[i].WriteTo(h) // a hash takes every write
	}
	return [32]byte(h.Sum(nil))
}

// check holds a tensor to what the header says of it.
func (x *Tensor) check(want TensorInfo) error {
	switch got := x.Info(); {
	case got.Name != want.Name:
		return fmt.Errorf("tensor %s stands where the log has %s: give the tensors in the log's order", got.Name, want.Name)
	case got.Shape != want.Shape || x.elems() != want.Shape[0]*want.Shape[1]:
		return fmt.Errorf("tensor %s: shape %v with %d elements, the log has %v", got.Name, got.Shape, x.elems(), want.Shape)
	case got.DType != want.DType:
		return fmt.Errorf("tensor %s is %s, the log has %s", got.Name, got.DType, want.DType)
	}
	return nil
}
