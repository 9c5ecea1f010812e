package safetensors

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// half decodes a 16-bit float by the definition of IEEE 754: sign, exp bits of exponent, the rest fraction.
func half(u uint16, exp int) float64 {
	frac := 15 - exp
	bias := 1<<(exp-1) - 1
	sign := 1.0
	if u>>15 == 1 {
		sign = -1
	}
	e, f := int(u>>frac)&(1<<exp-1), float64(u&(1<<frac-1))/float64(int(1)<<frac)
	switch {
	case e == 1<<exp-1 && f != 0:
		return math.NaN()
	case e == 1<<exp-1:
		return math.Inf(int(sign))
	case e == 0:
		return sign * math.Ldexp(f, 1-bias)
	}
	return sign * math.Ldexp(1+f, e-bias)
}

var halfFormats = map[string]int{F16: 5, BF16: 8}

func TestFloat32OfEveryHalf(t *testing.T) {
	data := make([]byte, 2<<16)
	for i := range 1 << 16 {
		binary.LittleEndian.PutUint16(data[2*i:], uint16(i))
	}
	for dtype, exp := range halfFormats {
		got := make([]float32, 1<<16)
		require.NoError(t, Tensor{Name: "a", DType: dtype, Shape: []int{1 << 16}, Data: data}.Float32(got))
		for i, x := range got {
			want := half(uint16(i), exp)
			if math.IsNaN(want) {
				require.True(t, math.IsNaN(float64(x)), "%s %04x", dtype, i)
				continue
			}
			require.Equal(t, math.Float64bits(want), math.Float64bits(float64(x)), "%s %04x", dtype, i)
		}
	}
}

// Rounding against the definition: no neighbour is nearer, and of two equally near the one with the even fraction.
func TestRoundToNearestEven(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for dtype, exp := range halfFormats {
		var src []float32
		for i := range 1 << 16 {
			a, b := half(uint16(i), exp), half(uint16(i+1), exp)
			if math.IsNaN(a) || math.IsNaN(b) || math.IsInf(a, 0) || math.IsInf(b, 0) {
				continue
			}
			mid := float32((a + b) / 2)
			src = append(src, float32(a), mid, math.Nextafter32(mid, float32(a)), math.Nextafter32(mid, float32(b)), float32(a+(b-a)*rng.Float64()))
		}
		data := make([]byte, 2*len(src))
		over, err := PutFloat32(data, dtype, src)
		require.NoError(t, err)
		require.Equal(t, -1, over)
		for i, x := range src {
			u := binary.LittleEndian.Uint16(data[2*i:])
			require.Equal(t, math.Signbit(float64(x)), u>>15 == 1, "%s of %g", dtype, x)
			d := distance(half(u, exp), x)
			for _, v := range []uint16{u - 1, u + 1} {
				y := half(v, exp)
				if v>>15 != u>>15 || math.IsNaN(y) || math.IsInf(y, 0) {
					continue
				}
				c := d.Cmp(distance(y, x))
				require.True(t, c < 0 || c == 0 && u&1 == 0, "%s of %g is %g, not %g", dtype, x, half(u, exp), y)
			}
		}
	}
}

// distance is exact: the difference of two close float64 may round.
func distance(a float64, b float32) *big.Float {
	d := new(big.Float).SetPrec(400).Sub(big.NewFloat(a).SetPrec(400), big.NewFloat(float64(b)).SetPrec(400))
	return d.Abs(d)
}

func TestPutFloat32Edges(t *testing.T) {
	inf, nan := float32(math.Inf(1)), math.Float32frombits(0x7f800001)
	cases := []struct {
		dtype string
		in    float32
		want  uint16
		over  int
	}{
		{F16, 65519.996, 0x7bff, -1}, {F16, 65520, 0x7c00, 0}, {F16, -65520, 0xfc00, 0}, {F16, inf, 0x7c00, -1},
		{F16, 2.9802322e-08, 0x0000, -1}, {F16, 2.9802326e-08, 0x0001, -1},
		{BF16, 3.3961775e38, 0x7f80, 0}, {BF16, 3.3961773e38, 0x7f7f, -1}, {BF16, -inf, 0xff80, -1}, {BF16, nan, 0x7fc0, -1},
	}
	for _, c := range cases {
		data := make([]byte, 2)
		over, err := PutFloat32(data, c.dtype, []float32{c.in})
		require.NoError(t, err)
		assert.Equal(t, c.want, binary.LittleEndian.Uint16(data), "%s of %g", c.dtype, c.in)
		assert.Equal(t, c.over, over, "%s of %g", c.dtype, c.in)
	}
	_, err := PutFloat32(make([]byte, 3), F32, []float32{1})
	assert.ErrorContains(t, err, "need 4 bytes, the destination has 3")
}

func TestFloat32OfWideTypes(t *testing.T) {
	want := []float32{1.5, float32(math.Copysign(0, -1)), 3e-45, math.MaxFloat32, float32(math.Inf(-1))}
	f32, f64 := []byte{}, []byte{}
	for _, x := range want {
		f32 = binary.LittleEndian.AppendUint32(f32, math.Float32bits(x))
		f64 = binary.LittleEndian.AppendUint64(f64, math.Float64bits(float64(x)))
	}
	for dtype, data := range map[string][]byte{F32: f32, F64: f64} {
		got := make([]float32, 5)
		require.NoError(t, Tensor{DType: dtype, Shape: []int{5}, Data: data}.Float32(got))
		assert.Equal(t, want, got)
	}
	big := Tensor{Name: "a", File: "f", DType: F64, Shape: []int{1}, Data: binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e39))}
	assert.EqualError(t, big.Float32(make([]float32, 1)), `f: tensor "a": element 0 is 1e+39, which is beyond float32`)
}

func TestFloat32Refuses(t *testing.T) {
	tensor := Tensor{Name: "a", File: "f", DType: "F8_E4M3", Shape: []int{2}, Data: make([]byte, 2)}
	assert.ErrorContains(t, tensor.Float32(make([]float32, 2)), `f: tensor "a": unsupported dtype F8_E4M3 where weights are wanted`)
	assert.ErrorContains(t, tensor.Float32(make([]float32, 3)), "has 2 elements (shape [2]), the destination has 3")
	tensor = Tensor{Name: "a", DType: F32, Shape: []int{2}, Data: make([]byte, 2)}
	assert.ErrorContains(t, tensor.Float32(make([]float32, 2)), "does not match its 2 bytes")
}

func TestSlice(t *testing.T) {
	x := Tensor{DType: BF16, Shape: []int{2, 3}, Data: []byte{0, 0, 0x80, 0x3f, 0, 0x40, 0, 0, 0, 0, 0, 0}}
	got := make([]float32, 2)
	require.NoError(t, x.Slice(1, 3).Float32(got))
	assert.Equal(t, []float32{1, 2}, got)
	assert.Equal(t, []int{2, 3}, x.Shape)
}

// Every bit pattern of the halves, and every interesting one of the wide types at every place of a block.
func TestFirstNonFinite(t *testing.T) {
	for dtype, exp := range halfFormats {
		for i := range 1 << 16 {
			x := half(uint16(i), exp)
			tensor := Tensor{DType: dtype, Shape: []int{1}, Data: binary.LittleEndian.AppendUint16(nil, uint16(i))}
			_, found := FirstNonFinite(tensor)
			require.Equal(t, math.IsNaN(x) || math.IsInf(x, 0), found, "%s %04x", dtype, i)
			require.Equal(t, math.IsNaN(x), HasNaN(tensor), "%s %04x", dtype, i)
		}
	}
	for _, u := range []uint32{0x7f800000, 0xff800000, 0x7f800001, 0xffffffff, 0x7fc00000} {
		for n := range 21 {
			for at := range n {
				x := make([]float32, n)
				for i := range x {
					x[i] = -math.MaxFloat32 // the largest pattern that must not be found
				}
				x[at] = math.Float32frombits(u)
				data := make([]byte, 4*n)
				_, err := PutFloat32(data, F32, x)
				require.NoError(t, err)
				tensor := Tensor{DType: F32, Shape: []int{n}, Data: data}
				index, found := FirstNonFinite(tensor)
				require.True(t, found)
				require.Equal(t, at, index)
				require.Equal(t, u<<1 > 0xff000000, HasNaN(tensor))
				index, found = FirstNonFiniteFloat32(x)
				require.True(t, found)
				require.Equal(t, at, index)
			}
		}
	}
	for x, want := range map[float64]bool{math.MaxFloat64: false, -math.MaxFloat64: false, math.Inf(-1): true} {
		tensor := Tensor{DType: F64, Shape: []int{1}, Data: binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))}
		_, found := FirstNonFinite(tensor)
		assert.Equal(t, want, found, "%g", x)
		assert.False(t, HasNaN(tensor))
	}
	_, found := FirstNonFinite(Tensor{DType: I32, Shape: []int{1}, Data: []byte{255, 255, 255, 255}})
	assert.False(t, found)
	_, found = FirstNonFiniteFloat32([]float32{math.MaxFloat32, -math.MaxFloat32, 0})
	assert.False(t, found)
}

func BenchmarkFloat32(b *testing.B) {
	const n = 1 << 22
	dst := make([]float32, n)
	for dtype, size := range map[string]int{F32: 4, BF16: 2, F16: 2} {
		tensor := Tensor{DType: dtype, Shape: []int{n}, Data: make([]byte, size*n)}
		for i := range tensor.Data {
			tensor.Data[i] = byte(rand.Uint32())
		}
		b.Run(dtype, func(b *testing.B) {
			b.SetBytes(int64(len(tensor.Data)))
			for b.Loop() {
				if err := tensor.Float32(dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFirstNonFinite(b *testing.B) {
	tensor := Tensor{DType: BF16, Shape: []int{1 << 23}, Data: make([]byte, 1<<24)}
	b.SetBytes(1 << 24)
	for b.Loop() {
		if _, found := FirstNonFinite(tensor); found {
			b.Fatal("found")
		}
	}
}

func BenchmarkPutFloat32(b *testing.B) {
	src, dst := make([]float32, 1<<20), make([]byte, 2<<20)
	for i := range src {
		src[i] = float32(rand.NormFloat64())
	}
	for _, dtype := range []string{BF16, F16} {
		b.Run(dtype, func(b *testing.B) {
			b.SetBytes(4 << 20)
			for b.Loop() {
				if _, err := PutFloat32(dst, dtype, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
