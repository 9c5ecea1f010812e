package ref

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

// Each gradient kernel agrees with central differences of its forward kernel, for the loss dot(y, dy).

func TestGradRMSNorm(t *testing.T) {
	u := backend.U{"rows": 2, "d4": 2, "eps": 1e-3}
	b := bufs{"x": numbers(16, 1), "gamma": numbers(8, 3), "y": make([]float64, 16), "rstd": make([]float64, 2)}
	dy := numbers(16, 5)
	f := func() float64 { launch(t, "rms_norm", nil, 1, u, b); return dot(b["y"], dy) }
	wantX, wantGamma := slope(b["x"], f), slope(b["gamma"], f)
	f()
	g := bufs{"x": b["x"], "gamma": b["gamma"], "rstd": b["rstd"], "dy": dy, "dx": make([]float64, 16)}
	launch(t, "rms_norm_grad", nil, 1, backend.U{"rows": 2, "d4": 2}, g)
	require.InDeltaSlice(t, wantX, g["dx"], 1e-8)
	p := bufs{"x": b["x"], "stats": b["rstd"], "dy": dy, "dgamma": make([]float64, 16)}
	launch(t, "norm_param_grad", shaders.Consts{"BETA": 0}, 2, backend.U{"rows": 2, "d4": 2, "per": 1}, p)
	require.InDeltaSlice(t, wantGamma, colSum(t, p["dgamma"], 2), 1e-8)
}

func TestGradLayerNorm(t *testing.T) {
	u := backend.U{"rows": 3, "d4": 2, "eps": 1e-3}
	b := bufs{"x": numbers(24, 1), "gamma": numbers(8, 3), "beta": numbers(8, 2), "y": make([]float64, 24), "stats": make([]float64, 6)}
	dy := numbers(24, 5)
	f := func() float64 { launch(t, "layer_norm", nil, 1, u, b); return dot(b["y"], dy) }
	wantX, wantGamma, wantBeta := slope(b["x"], f), slope(b["gamma"], f), slope(b["beta"], f)
	f()
	g := bufs{"x": b["x"], "gamma": b["gamma"], "stats": b["stats"], "dy": dy, "dx": make([]float64, 24)}
	launch(t, "layer_norm_grad", nil, 1, backend.U{"rows": 3, "d4": 2}, g)
	require.InDeltaSlice(t, wantX, g["dx"], 1e-8)
	p := bufs{"x": b["x"], "stats": b["stats"], "dy": dy, "dgamma": make([]float64, 16), "dbeta": make([]float64, 16)}
	launch(t, "norm_param_grad", nil, 2, backend.U{"rows": 3, "d4": 2, "per": 2}, p)
	require.InDeltaSlice(t, wantGamma, colSum(t, p["dgamma"], 2), 1e-8)
	require.InDeltaSlice(t, wantBeta, colSum(t, p["dbeta"], 2), 1e-8)
}

func colSum(t *testing.T, x []float64, rows int) []float64 {
	n4 := len(x) / rows / 4
	b := bufs{"x": x, "y": make([]float64, 4*n4)}
	launch(t, "col_sum", nil, 1, backend.U{"rows": rows, "n4": n4, "ld4": n4, "per": rows}, b)
	return b["y"]
}

func TestGradAttentionSoftmax(t *testing.T) {
	u := backend.U{"tq": 3, "tk": 5, "ldq": 4, "heads": 2, "offset": 1, "prefix": 1}
	s, dp, scale := numbers(80, 1), numbers(80, 2), 0.25
	c := shaders.Consts{"CAUSAL": 1}
	p := func() []float64 {
		b := bufs{"s": make([]float64, len(s))}
		for i, v := range s { // the product of queries and keys comes scaled
			b["s"][i] = scale * v
		}
		launch(t, "attn_softmax", c, 4, u, b)
		return b["s"]
	}
	want := slope(s, func() float64 { return dot(p(), dp) })
	g := bufs{"p": p(), "dp": append([]float64{}, dp...)}
	launch(t, "attn_softmax_grad", nil, 4, backend.U{"tq": 3, "tk": 5, "ldq": 4, "scale": scale}, g)
	require.InDeltaSlice(t, want, g["dp"], 1e-8)
}

func TestGradSwiGLU(t *testing.T) {
	b := bufs{"g": numbers(8, 1), "u": numbers(8, 2), "y": make([]float64, 8)}
	dy := numbers(8, 3)
	f := func() float64 { launch(t, "swiglu", nil, 1, backend.U{"n4": 2}, b); return dot(b["y"], dy) }
	wantG, wantU := slope(b["g"], f), slope(b["u"], f)
	g := bufs{"g": b["g"], "u": b["u"], "dy": dy, "dg": make([]float64, 8), "du": make([]float64, 8)}
	launch(t, "swiglu_grad", nil, 1, backend.U{"n4": 2}, g)
	require.InDeltaSlice(t, wantG, g["dg"], 1e-8)
	require.InDeltaSlice(t, wantU, g["du"], 1e-8)
}

func TestGradActivation(t *testing.T) {
	for act := 1; act <= 5; act++ {
		t.Run(fmt.Sprint(act), func(t *testing.T) {
			c := shaders.Consts{"ACT": act}
			b := bufs{"x": numbers(24, 1), "y": make([]float64, 24)}
			dy := numbers(24, 3)
			want := slope(b["x"], func() float64 { launch(t, "activation", c, 1, backend.U{"n4": 6}, b); return dot(b["y"], dy) })
			g := bufs{"x": b["x"], "dy": dy, "dx": make([]float64, 24)}
			launch(t, "activation_grad", c, 1, backend.U{"n4": 6}, g)
			require.InDeltaSlice(t, want, g["dx"], 1e-8)
		})
	}
}

func TestGradCrossEntropy(t *testing.T) {
	z, labels, dy := numbers(21, 1), []float64{2, 6, 7}, 0.5 // the last label is ignored
	b := bufs{"logits": z, "labels": labels, "stats": make([]float64, 12)}
	l := bufs{"stats": b["stats"], "labels": labels, "loss": make([]float64, 3), "lse": make([]float64, 3)}
	f := func() float64 {
		launch(t, "cross_entropy_stats", nil, 1, backend.U{"rows": 3, "nc": 7, "ld": 7, "v0": 0}, b)
		launch(t, "cross_entropy_loss", nil, 1, backend.U{"rows": 3, "vocab": 7, "smoothing": 0.25}, l)
		return dy * (l["loss"][0] + l["loss"][1] + l["loss"][2])
	}
	want := slope(z, f)
	f()
	g := bufs{"logits": append([]float64{}, z...), "labels": labels, "lse": l["lse"], "scale": {dy}}
	launch(t, "cross_entropy_grad", nil, 1, backend.U{"rows": 3, "nc": 7, "ld": 7, "v0": 0, "vocab": 7, "smoothing": 0.25}, g)
	require.InDeltaSlice(t, want, g["logits"], 1e-8)
}

func TestGradMeanPool(t *testing.T) {
	u := backend.U{"b": 2, "t": 3, "d4": 1}
	b := bufs{"x": numbers(24, 1), "mask": {1, 1, 0, 0, 0, 0}, "y": make([]float64, 8)}
	dy := numbers(8, 3)
	want := slope(b["x"], func() float64 { launch(t, "mean_pool", nil, 2, u, b); return dot(b["y"], dy) })
	g := bufs{"dy": dy, "mask": b["mask"], "dx": make([]float64, 24)}
	launch(t, "mean_pool_grad", nil, 2, u, g)
	require.InDeltaSlice(t, want, g["dx"], 1e-8)
}
