package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func written(t *testing.T, tensors []Out, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, tensors, metadata))
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	data := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i % 60) // no exponent is all ones
		}
		return b
	}
	in := []Out{
		{Name: "z.bool", DType: BOOL, Shape: []int{3}, Data: data(3)},
		{Name: "b.f16", DType: F16, Shape: []int{3, 5}, Data: data(30)},
		{Name: "a.f16", DType: F16, Shape: []int{1}, Data: data(2)},
		{Name: "bf16", DType: BF16, Shape: []int{2, 2}, Data: data(8)},
		{Name: "scalar", DType: F32, Shape: nil, Data: data(4)},
		{Name: "none", DType: F32, Shape: []int{0, 7}},
		{Name: `quote " < \ é`, DType: I64, Shape: []int{2}, Stream: func(w io.Writer) error {
			_, err := w.Write(data(16))
			return err
		}},
		{Name: "f64", DType: F64, Shape: []int{1}, Data: data(8)},
	}
	meta := map[string]string{"format": "pt", "note": `a "b"`}
	text := written(t, in, meta)
	assert.Zero(t, binary.LittleEndian.Uint64(text)%8, "data begins aligned")
	f, err := newFile("x", text)
	require.NoError(t, err)
	assert.Equal(t, meta, f.Metadata())
	assert.Len(t, f.Names(), len(in))
	for _, want := range in {
		got, ok := f.Tensor(want.Name)
		require.True(t, ok, want.Name)
		assert.Equal(t, want.DType, got.DType)
		assert.Equal(t, append([]int{}, want.Shape...), got.Shape)
		var b bytes.Buffer
		if want.Stream != nil {
			require.NoError(t, want.Stream(&b))
		}
		b.Write(want.Data)
		assert.True(t, bytes.Equal(b.Bytes(), got.Data), want.Name)
	}
	var order []string
	for _, e := range f.header.entries {
		if e.begin != e.end {
			order = append(order, e.name)
		}
	}
	assert.Equal(t, []string{`quote " < \ é`, "f64", "scalar", "bf16", "a.f16", "b.f16", "z.bool"}, order)

	reversed := []Out{}
	for _, o := range in {
		reversed = append([]Out{o}, reversed...)
	}
	assert.Equal(t, text, written(t, reversed, meta), "the order given does not matter")
	_, ok := f.Tensor("absent")
	assert.False(t, ok)
}

func TestWriteDefaultMetadata(t *testing.T) {
	f, err := newFile("x", written(t, nil, nil))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"format": "pt"}, f.Metadata())
	f, err = newFile("x", written(t, nil, map[string]string{}))
	require.NoError(t, err)
	assert.Nil(t, f.Metadata())
}

func TestWriteRefuses(t *testing.T) {
	stream := func(n int) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(make([]byte, n)); return err }
	}
	cases := map[string]struct {
		out  []Out
		says string
	}{
		"too little data":  {[]Out{{Name: "a", DType: F32, Shape: []int{2}, Data: make([]byte, 7)}}, `tensor "a": shape [2] of F32 needs 8 bytes, has 7`},
		"short stream":     {[]Out{{Name: "a", DType: F32, Shape: []int{2}, Stream: stream(7)}}, "needs 8 bytes, 7 were written"},
		"long stream":      {[]Out{{Name: "a", DType: F32, Shape: []int{2}, Stream: stream(9)}}, `tensor "a": 1 bytes more than its shape holds`},
		"twice":            {[]Out{{Name: "a", DType: F32, Shape: []int{0}}, {Name: "a", DType: F16, Shape: []int{0}}}, "given twice"},
		"reserved":         {[]Out{{Name: "__metadata__", DType: F32, Shape: []int{0}}}, "reserved"},
		"unknown dtype":    {[]Out{{Name: "a", DType: "f32", Shape: []int{0}}}, `dtype "f32" is unknown`},
		"negative":         {[]Out{{Name: "a", DType: F32, Shape: []int{-1}}}, "dimension 0 is negative"},
		"overflow":         {[]Out{{Name: "a", DType: F32, Shape: []int{1 << 30, 1 << 30, 1 << 30}}}, "overflows"},
		"bad name":         {[]Out{{Name: "\xff", DType: F32, Shape: []int{0}}}, "not valid UTF-8"},
		"two sources":      {[]Out{{Name: "a", DType: U8, Shape: []int{1}, Data: []byte{1}, Stream: stream(1)}}, "both Data and Stream"},
		"F16 overflow":     {[]Out{FromFloat32("a", F16, []int{3}, []float32{1, 70000, 1e9})}, `tensor "a": element 1 is 70000, which is beyond F16`},
		"BF16 overflow":    {[]Out{FromFloat32("a", BF16, []int{1}, []float32{math.MaxFloat32})}, "beyond BF16"},
		"float as integer": {[]Out{FromFloat32("a", I32, []int{1}, []float32{1})}, "not as I32"},
		"wrong shape":      {[]Out{FromFloat32("a", F32, []int{3}, []float32{1})}, "needs 12 bytes, 4 were written"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { assert.ErrorContains(t, Write(io.Discard, c.out, nil), c.says) })
	}
	full := errors.New("disk full")
	assert.ErrorIs(t, Write(failing{full}, nil, nil), full)
	assert.ErrorIs(t, Write(&failsAfter{n: 1, err: full}, []Out{{Name: "a", DType: U8, Shape: []int{1}, Data: []byte{1}}}, nil), full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

type failsAfter struct {
	n   int
	err error
}

func (f *failsAfter) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, f.err
	}
	return len(p), nil
}

// A NaN is refused wherever it lies, also when writes end inside an element.
func TestWriteRefusesNonFinite(t *testing.T) {
	for _, dtype := range []string{F64, F32, BF16, F16} {
		size := int(floatLanes[dtype].bits / 8)
		for at := range 37 {
			data := make([]byte, 37*size)
			copy(data[at*size:], nanBytes(dtype))
			for _, step := range []int{1, 3, 7, 8, 33, len(data)} {
				out := Out{Name: "a", DType: dtype, Shape: []int{37}, Stream: func(w io.Writer) error {
					for i := 0; i < len(data); i += step {
						if _, err := w.Write(data[i:min(i+step, len(data))]); err != nil {
							return fmt.Errorf("wrapped: %w", err)
						}
					}
					return nil
				}}
				var nf *NonFiniteError
				require.ErrorAs(t, Write(io.Discard, []Out{out}, nil), &nf)
				require.Equal(t, NonFiniteError{"a", at}, *nf, "%s step %d", dtype, step)
				out.AllowNonFinite = true
				require.NoError(t, Write(io.Discard, []Out{out}, nil))
			}
		}
	}
	ints := Out{Name: "a", DType: I32, Shape: []int{1}, Data: []byte{255, 255, 255, 255}}
	assert.NoError(t, Write(io.Discard, []Out{ints}, nil), "an integer is never NaN")
}

func nanBytes(dtype string) []byte {
	switch dtype {
	case F64:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN()))
	case F32:
		return binary.LittleEndian.AppendUint32(nil, 0xff800001)
	case BF16:
		return []byte{0x81, 0xff}
	}
	return []byte{0x01, 0xfc}
}
