package zeroth

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
	"luthier/internal/philox"
)

// Salmon et al. 2011: the vectors published with Random123.
func TestPaperPhilox(t *testing.T) {
	const f = math.MaxUint32
	for _, k := range []struct {
		counter [4]uint32
		key     uint64
		want    [4]uint32
	}{
		{[4]uint32{}, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{f, f, f, f}, math.MaxUint64, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0_a4093822, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		require.Equal(t, k.want, philox.Block(k.counter, k.key))
	}
}

// word is word n of a stream, one at a time and from the reference's generator.
func word(seed uint64, tensor, stream uint32, n int) uint32 {
	return ref.Philox([4]uint32{uint32(n / 4), tensor, 0, stream}, [2]uint32{uint32(seed), uint32(seed >> 32)})[n%4]
}

// plainValue is z of one element, straight from docs/replay-log.md.
func plainValue(t Term, rows, cols int, tensor uint32, e int) int {
	switch {
	case t.Noise == Gaussian:
		return bits.OnesCount32(word(t.Seed, tensor, 2, e)) - 16
	case t.Noise == LowRank && rows > 1:
		sum := 0
		for k := range t.Rank {
			u := 1 - 2*int(word(t.Seed, tensor, 3, e/cols)>>k&1)
			v := 1 - 2*int(word(t.Right, tensor, 4, e%cols)>>k&1)
			sum += u * v
		}
		return sum
	}
	return 1 - 2*int(word(t.Seed, tensor, 0, e/32)>>(e%32)&1)
}

func terms() []Term {
	const seed = 0x0123456789abcdef
	return []Term{{Seed: seed, S: 0.011, Noise: Rademacher}, {Seed: seed, S: Fold(0.02, Gaussian, 0), Noise: Gaussian},
		{Seed: seed, S: Fold(0.03, LowRank, 3), Noise: LowRank, Right: 77, Rank: 3}, {Seed: seed, S: -0.5, Noise: LowRank, Right: 78, Rank: 32}}
}

var noiseShapes = [][2]int{{1, 1}, {1, 5000}, {7, 129}, {3, 3000}, {700, 3}, {64, 96}, {40, 2048}}

func TestPaperNoise(t *testing.T) {
	for _, term := range terms() {
		for _, s := range noiseShapes {
			got := make([]int8, s[0]*s[1])
			term.Values(got, s[0], s[1], 5, 0)
			for e, z := range got {
				require.Equal(t, plainValue(term, s[0], s[1], 5, e), int(z), "%s %v element %d", term.Noise, s, e)
			}
			at := len(got) / 3
			part := make([]int8, len(got)-at)
			term.Values(part, s[0], s[1], 5, at)
			require.Equal(t, got[at:], part, "%s %v from %d", term.Noise, s, at)
		}
	}
}

// The seeds, and the first signs of seed 0: 0xd5, the low byte of the known answer 0x6627e8d5, least significant bit first, set for minus.
func TestPaperSeeds(t *testing.T) {
	z := make([]int8, 8)
	(&Term{Noise: Rademacher}).Values(z, 2, 4, 0, 0)
	assert.Equal(t, []int8{-1, 1, -1, 1, -1, 1, -1, -1}, z)
	b := ref.Philox([4]uint32{12, 3, 0, 0x73656564}, [2]uint32{5, 1})
	assert.Equal(t, uint64(b[1])<<32|uint64(b[0]), Seed(1<<32|5, 12, 3))
	assert.Equal(t, Seed(8, 2, math.MaxUint32), RightSeed(8, 149, 50))
	assert.NotEqual(t, RightSeed(8, 149, 50), RightSeed(8, 150, 50))
}

func random(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(0.02 * r.NormFloat64())
	}
	return out
}

func truncated(w []float32) []uint16 {
	out := make([]uint16, len(w))
	for i, v := range w {
		out[i] = uint16(math.Float32bits(v) >> 16)
	}
	return out
}

func TestPaperAdd(t *testing.T) {
	special := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), math.MaxFloat32, 1e-40}
	for _, term := range terms() {
		for _, s := range noiseShapes {
			for _, limit := range []float64{math.Inf(1), 0.015} {
				w := random(s[0]*s[1], 3)
				copy(w, special[:min(len(special), len(w))])
				h := truncated(w)
				x := []Tensor{{Rows: s[0], Cols: s[1], F32: append([]float32(nil), w...), Threshold: &limit},
					{Rows: s[0], Cols: s[1], BF16: append([]uint16(nil), h...), Threshold: &limit}}
				add(x[:1], 2, []Term{term})
				add(x[1:], 2, []Term{term})
				for e := range w {
					z := float32(plainValue(term, s[0], s[1], 2, e))
					want := w[e]
					if math.Abs(float64(want)) <= limit {
						want += float32(term.S * z)
					}
					require.Equal(t, math.Float32bits(want), math.Float32bits(x[0].F32[e]), "%s %v f32 element %d", term.Noise, s, e)
					wide := math.Float32frombits(uint32(h[e]) << 16)
					bits := math.Float32bits(wide + float32(term.S*z))
					if bits&0x7f800000 != 0x7f800000 {
						bits += word(term.Seed, 2, 1, e/2) >> (16 * (e % 2)) & 0xffff
					}
					if math.Abs(float64(wide)) > limit {
						bits = uint32(h[e]) << 16
					}
					require.Equal(t, uint16(bits>>16), x[1].BF16[e], "%s %v bf16 element %d", term.Noise, s, e)
				}
			}
		}
	}
}

// bf16 that rounds to nearest loses nearly all of updates of 1e-6. Rounding by chance keeps them in the mean: the move's projection on the
// update that was asked for is 1.
func TestStochasticRoundingKeepsTheMean(t *testing.T) {
	const n, steps, s = 1 << 16, 64, 1e-6
	start := truncated(random(n, 4))
	got := append([]uint16(nil), start...)
	asked := make([]float64, n)
	z := make([]int8, n)
	for i := range steps {
		term := Term{Seed: Seed(1, uint32(i), 0), S: s, Noise: Rademacher}
		AddBF16(got, 1, n, 0, term)
		term.Values(z, 1, n, 0, 0)
		for e := range z {
			asked[e] += s * float64(z[e])
		}
	}
	var along, norm float64
	for e, a := range asked {
		along += a * float64(math.Float32frombits(uint32(got[e])<<16)-math.Float32frombits(uint32(start[e])<<16))
		norm += a * a
	}
	assert.InDelta(t, 1, along/norm, 0.05)
}

func TestZeroScalarLeavesWeights(t *testing.T) {
	w := []float32{float32(math.Copysign(0, -1)), 1}
	for _, term := range terms() {
		term.S = 0
		Add(w, 1, 2, 0, term)
	}
	assert.Equal(t, uint32(1<<31), math.Float32bits(w[0]))
}

func TestFold(t *testing.T) {
	assert.Equal(t, float32(0.1), Fold(0.1, Rademacher, 4), "as it is")
	assert.Equal(t, float32(0.25), Fold(0.75, LowRank, 3))
	assert.Equal(t, float32(0.75), Perturbation(0.75, LowRank))
	assert.Equal(t, float32(1), Fold(math.Sqrt(8), Gaussian, 0))
	assert.Equal(t, float32(1), Fold(1+0x1p-17, LowRank, 1), "16 bits: a tie goes to even")
	assert.Equal(t, float32(1+0x1p-14), Fold(1+3*0x1p-16, LowRank, 1))
	assert.Equal(t, float32(0), Fold(1e-39, Rademacher, 1), "below the normal range")
	for _, x := range []float64{1.2345678e-5, -0.3, 7e8} {
		s := Fold(x, Gaussian, 0)
		assert.Zero(t, math.Float32bits(s)&0xff, "16 significant bits")
		assert.InEpsilon(t, x/math.Sqrt(8), s, 0x1p-16)
	}
}

func BenchmarkAdd(b *testing.B) {
	const rows, cols = 2500, 4000
	w, h := make([]float32, rows*cols), make([]uint16, rows*cols)
	for _, term := range terms()[:3] {
		b.Run(fmt.Sprint(term.Noise, "/f32"), func(b *testing.B) {
			for b.Loop() {
				Add(w, rows, cols, 0, term)
			}
		})
		b.Run(fmt.Sprint(term.Noise, "/bf16"), func(b *testing.B) {
			for b.Loop() {
				AddBF16(h, rows, cols, 0, term)
			}
		})
	}
}
