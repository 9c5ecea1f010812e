package zeroth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
)

// Resume says that steps up to step are done and that the weights are as they left them. The log goes on from there; what it has beyond
// is cut off. A log that does not reach that far is the error of the next Step.
func (s *Stepper) Resume(step int) {
	if s.LogPath == "" {
		s.stopped = nil
		return
	}
	s.stopped = s.goOn(step)
}

func (s *Stepper) goOn(step int) error {
	was, err := Read(s.LogPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: a run without gradients goes on with its log: copy the log of the checkpoint's run there", err)
	case was == nil:
		return err // with a log, what is wrong is Append's to judge
	}
	if err := s.continues(was); err != nil {
		return err
	}
	w, l, err := Append(s.LogPath, uint32(step)+1)
	if err != nil {
		return err
	}
	s.log, s.Header, s.records = w, l.Header, l.Records
	return nil
}

// continues holds the log to what its next records would mean: a run that was forced to go on with another noise or rule would move the
// weights along directions that it did not measure.
func (s *Stepper) continues(l *Log) error {
	h := &l.Header
	bad := func(what string, was, is any) error {
		return fmt.Errorf("%s: %s was %v, is %v: resume with what the run had, or start another", s.LogPath, what, was, is)
	}
	switch {
	case h.Update != s.o.update():
		return bad("the update rule", h.Update, s.o.update())
	case h.Noise != s.o.Noise:
		return bad("the noise", h.Noise, s.o.Noise)
	case h.Noise == LowRank && [2]int{h.Rank, h.Period} != [2]int{s.o.Rank, s.o.Period}:
		return bad("the noise's rank and period", [2]int{h.Rank, h.Period}, [2]int{s.o.Rank, s.o.Period})
	case h.Seed != s.o.Seed:
		return bad("the seed", h.Seed, s.o.Seed)
	case len(h.Tensors) != len(s.Header.Tensors):
		return bad("the number of trained tensors", len(h.Tensors), len(s.Header.Tensors))
	}
	for i, t := range h.Tensors {
		is := s.Header.Tensors[i]
		if t.Name != is.Name || t.Shape != is.Shape || t.DType != is.DType {
			return bad(fmt.Sprintf("trained tensor %d", i), fmt.Sprint(t.Name, t.Shape, t.DType), fmt.Sprint(is.Name, is.Shape, is.DType))
		}
		if sparse := s.noise.Sparse && s.o.Sparsity > 0; (t.Threshold != nil) != sparse {
			return bad("a threshold for "+t.Name, t.Threshold != nil, sparse)
		}
	}
	return nil
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
