package zeroth

import (
	"encoding/binary"
	"math"
)

// Resume says that steps up to step are done and that the weights are as they left them. The log goes on from there; what it has beyond
// is cut off. A log that does not reach that far is the error of the next Step.
func (s *Stepper) Resume(step int) {
	if s.LogPath == "" {
		s.stopped = nil
		return
	}
	w, l, err := Append(s.LogPath, uint32(step)+1)
	if err != nil {
		s.stopped = err
		return
	}
	s.log, s.Header, s.records = w, l.Header, l.Records
	s.takeLimits()
}

// takeLimits takes the thresholds of the log.
func (s *Stepper) takeLimits() {
	s.limits = nil
	for _, t := range s.Header.Tensors {
		if t.Threshold != nil {
			s.limits = append(s.limits, float32(*t.Threshold))
		}
	}
}

// TensorOf is a weight in host memory, from its bytes.
func TensorOf(t TensorInfo, raw []byte) Tensor {
	x := Tensor{Name: t.Name, Rows: t.Shape[0], Cols: t.Shape[1], Threshold: t.Threshold}
	if t.DType == "bf16" {
		x.BF16 = make([]uint16, len(raw)/2)
		for i := range x.BF16 {
			x.BF16[i] = binary.LittleEndian.Uint16(raw[2*i:])
		}
		return x
	}
	x.F32 = make([]float32, len(raw)/4)
	for i := range x.F32 {
		x.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return x
}

// Floats are the elements as f32.
func (x *Tensor) Floats() []float32 {
	if x.BF16 == nil {
		return x.F32
	}
	out := make([]float32, len(x.BF16))
	for i, v := range x.BF16 {
		out[i] = math.Float32frombits(uint32(v) << 16)
	}
	return out
}
