package ref

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

// Numbers worked out by hand from each paper's equation.

var ln2, ln3, ln5 = math.Log(2), math.Log(3), math.Log(5)

// Zhang and Sennrich 2019, eq. 4: mean square 7.5.
func TestPaperRMSNorm(t *testing.T) {
	b := bufs{"x": {1, 2, 3, 4}, "gamma": {1, 1, 2, 0.5}, "y": make([]float64, 4), "rstd": {0}}
	launch(t, "rms_norm", nil, 1, backend.U{"rows": 1, "d4": 1, "eps": 0.0}, b)
	require.InDeltaSlice(t, []float64{0.3651483716701107, 0.7302967433402214, 2.1908902300206643, 0.7302967433402214}, b["y"], 1e-15)
	require.InDelta(t, 1/math.Sqrt(7.5), b["rstd"][0], 1e-15)
}

// Ba et al. 2016, eq. 3: mean 2.5, variance 1.25.
func TestPaperLayerNorm(t *testing.T) {
	b := bufs{"x": {1, 2, 3, 4}, "gamma": {1, 1, 2, 0}, "beta": {0, 1, 0, 7}, "y": make([]float64, 4), "stats": {0, 0}}
	launch(t, "layer_norm", nil, 1, backend.U{"rows": 1, "d4": 1, "eps": 0.0}, b)
	require.InDeltaSlice(t, []float64{-1.3416407864998738, 0.5527864045000421, 0.8944271909999159, 7}, b["y"], 1e-15)
	require.InDeltaSlice(t, []float64{2.5, 0.8944271909999159}, b["stats"], 1e-15)
}

// Su et al. 2021: a quarter turn takes (1, 2) to (-2, 1), and (section 3.1) a product of rotated vectors depends on the distance of
// their positions alone.
func TestPaperRope(t *testing.T) {
	turn := func(x []float64, pos, half int, sgn float64) []float64 {
		table := []float64{}
		for p := range 12 {
			for _, f := range []func(float64) float64{math.Cos, math.Sin} {
				for k := range half {
					table = append(table, f(float64(p)*math.Pow(10000, -float64(k)/float64(half))))
				}
			}
		}
		if half == 1 {
			table = []float64{1, 0, 0, 1}
		}
		b := bufs{"x": x, "table": table, "positions": {float64(pos)}, "y": make([]float64, len(x))}
		launch(t, "rope", nil, 1, backend.U{"rows": 1, "heads": 1, "pairs": half, "ldx": len(x), "x0": 0, "sgn": sgn}, b)
		return b["y"]
	}
	require.Equal(t, []float64{-2, 1}, turn([]float64{1, 2}, 1, 1, 1))
	require.Equal(t, []float64{2, -1}, turn([]float64{1, 2}, 1, 1, -1))
	q, k := numbers(8, 1), numbers(8, 4)
	near := dot(turn(q, 5, 4, 1), turn(k, 2, 4, 1))
	require.InDelta(t, near, dot(turn(q, 11, 4, 1), turn(k, 8, 4, 1)), 1e-13)
	require.Greater(t, math.Abs(near-dot(turn(q, 11, 4, 1), turn(k, 2, 4, 1))), 0.1)
	require.InDeltaSlice(t, q, turn(turn(q, 7, 4, 1), 7, 4, -1), 1e-14)
}

// Three keys (rows) of scores 0, ln 2, ln 3 for each of two queries (columns): 1/6, 2/6, 3/6.
func TestPaperAttentionSoftmax(t *testing.T) {
	scores := func() []float64 { return []float64{0, 0, 9, 9, ln2, ln2, 9, 9, ln3, ln3, 9, 9} }
	run := func(c shaders.Consts, offset, prefix int, kvalid ...float64) []float64 {
		b := bufs{"s": scores(), "kvalid": kvalid}
		launch(t, "attn_softmax", c, 1, backend.U{"tq": 2, "tk": 3, "ldq": 4, "heads": 1, "offset": offset, "prefix": prefix}, b)
		return b["s"]
	}
	require.InDeltaSlice(t, []float64{1. / 6, 1. / 6, 0, 0, 2. / 6, 2. / 6, 0, 0, 3. / 6, 3. / 6, 0, 0}, run(nil, 0, 0), 1e-15)
	causal := shaders.Consts{"CAUSAL": 1}
	require.InDeltaSlice(t, []float64{1, 1. / 3, 0, 0, 0, 2. / 3, 0, 0, 0, 0, 0, 0}, run(causal, 0, 0), 1e-15, "the first query sees one key")
	require.InDeltaSlice(t, []float64{1. / 3, 1. / 6, 0, 0, 2. / 3, 2. / 6, 0, 0, 0, 3. / 6, 0, 0}, run(causal, 1, 0), 1e-15, "one position on")
	require.InDeltaSlice(t, []float64{1. / 3, 1. / 3, 0, 0, 2. / 3, 2. / 3, 0, 0, 0, 0, 0, 0}, run(causal, 0, 2), 1e-15, "both see the prefix")
	both := shaders.Consts{"CAUSAL": 1, "MASK": 1}
	require.InDeltaSlice(t, []float64{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, run(both, 0, 0, 0, 1, 1), 1e-15, "no key, no weight")
}

// Shazeer 2020, eq. 6 (Swish_1): sigmoid(ln 3) = 3/4.
func TestPaperSwiGLU(t *testing.T) {
	b := bufs{"g": {ln3, -ln3, 0, 100}, "u": {2, 2, 5, 1}, "y": make([]float64, 4)}
	launch(t, "swiglu", nil, 1, backend.U{"n4": 1}, b)
	require.InDeltaSlice(t, []float64{1.5 * ln3, -0.5 * ln3, 0, 100}, b["y"], 1e-14)
}

// Logits 0, ln 2, ln 5 sum to 8 under exp; the vocabulary comes in chunks of two and one.
func TestPaperCrossEntropy(t *testing.T) {
	labels, stats := []float64{1, 1, math.MaxUint32}, make([]float64, 12)
	first := bufs{"logits": {0, ln2, 0, ln2, 0, ln2}, "labels": labels, "stats": stats}
	launch(t, "cross_entropy_stats", nil, 1, backend.U{"rows": 3, "nc": 2, "ld": 2, "v0": 0}, first)
	second := bufs{"logits": {ln5, ln5, ln5}, "labels": labels, "stats": stats}
	launch(t, "cross_entropy_stats", shaders.Consts{"FIRST": 0}, 1, backend.U{"rows": 3, "nc": 1, "ld": 1, "v0": 2}, second)
	require.InDeltaSlice(t, []float64{ln5, 8. / 5, ln2 + ln5, ln2}, stats[:4], 1e-15)

	loss := func(smoothing float64) []float64 {
		b := bufs{"stats": stats, "labels": labels, "loss": make([]float64, 3), "lse": make([]float64, 3)}
		launch(t, "cross_entropy_loss", nil, 1, backend.U{"rows": 3, "vocab": 3, "smoothing": smoothing}, b)
		require.InDeltaSlice(t, []float64{3 * ln2, 3 * ln2, 3 * ln2}, b["lse"], 1e-15)
		return b["loss"]
	}
	require.InDeltaSlice(t, []float64{2 * ln2, 2 * ln2, 0}, loss(0), 1e-15)
	require.InDeltaSlice(t, []float64{3*ln2 - 0.75*ln2 - 0.25/3*(ln2+ln5), 3*ln2 - 0.75*ln2 - 0.25/3*(ln2+ln5), 0}, loss(0.25), 1e-15)

	grad := bufs{"logits": {0, ln2, ln5, 9, 0, ln2, ln5, 9, 0, ln2, ln5, 9}, "labels": labels, "lse": {3 * ln2, 3 * ln2, 3 * ln2}, "scale": {0.5}}
	launch(t, "cross_entropy_grad", shaders.Consts{"V4": 1}, 1, backend.U{"rows": 3, "nc": 3, "ld": 4, "v0": 0, "vocab": 3, "smoothing": 0.25}, grad)
	want := []float64{(1./8 - 0.25/3) / 2, (2./8 - 0.75 - 0.25/3) / 2, (5./8 - 0.25/3) / 2, 0}
	require.InDeltaSlice(t, append(append(want, want...), 0, 0, 0, 0), grad["logits"], 1e-15)
}

// Salmon et al. 2011: the known answers that come with Random123.
func TestPaperPhilox(t *testing.T) {
	const f = math.MaxUint32
	for _, k := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{f, f, f, f}, [2]uint32{f, f}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		require.Equal(t, k.want, Philox(k.counter, k.key))
	}
}

// Srivastava et al. 2014: a share of the rate is dropped, and the mean stays.
func TestPaperDropout(t *testing.T) {
	const n, rate = 40000, 0.3
	b := bufs{"x": make([]float64, n), "y": make([]float64, n), "seed": {1, 2, 3, 4}}
	for i := range b["x"] {
		b["x"][i] = 1
	}
	threshold := rate * float64(1<<32)
	launch(t, "dropout", nil, 1, backend.U{"n4": n / 4, "salt": 5, "threshold": uint32(threshold), "scale": 1 / (1 - rate)}, b)
	dropped, sum := 0, 0.0
	for _, v := range b["y"] {
		if sum += v; v == 0 {
			dropped++
		}
	}
	sigma := math.Sqrt(n * rate * (1 - rate))
	require.InDelta(t, n*rate, dropped, 4*sigma)
	require.InDelta(t, n, sum, 4*sigma/(1-rate))
}

// Two sequences of three, the first with two real positions, the second with none.
func TestPaperMeanPool(t *testing.T) {
	b := bufs{"x": numbers(24, 3), "mask": {1, 0, 1, 0, 0, 0}, "y": make([]float64, 8)}
	copy(b["x"], []float64{1, 2, 3, 4, 9, 9, 9, 9, 5, 6, 7, 9})
	launch(t, "mean_pool", nil, 2, backend.U{"b": 2, "t": 3, "d4": 1}, b)
	require.Equal(t, []float64{3, 4, 5, 6.5, 0, 0, 0, 0}, b["y"])
}
