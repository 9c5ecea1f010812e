package ref

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/shaders"
)

// Two steps from these parameters with these gradients, in float64 by torch.optim of PyTorch 2.15, hyperparameters rounded to float32
// as the uniforms are.
var (
	optimParam = []float64{0.5, -1.25, 2, 0}
	optimGrads = [][]float64{{0.1, -0.2, 0.3, 1.5}, {-0.4, 0.25, 0.05, 0}}
)

func single32(x float64) float64 { return float64(float32(x)) }

func TestPaperAdamW(t *testing.T) {
	p, m, v := append([]float64{}, optimParam...), make([]float64, 4), make([]float64, 4)
	u := backend.U{"n4": 1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "wd": 0.1, "lr_scale": 1.0}
	step := func(n int, g []float64, clip float64) {
		hyper := []float64{single32(0.01), 1 / (1 - math.Pow(single32(0.9), float64(n))), 1 / (1 - math.Pow(single32(0.999), float64(n))), 0, 0, 0, 0, 0}
		launch(t, "adamw", nil, 1, u, bufs{"p": p, "m": m, "v": v, "g": g, "hyper": hyper, "clip": {0, clip}})
	}
	step(1, optimGrads[0], 1)
	require.InDeltaSlice(t, []float64{0.48950000122724258, -1.2387500007328307, 1.988000000571752, -0.0099999997098159186}, p, 1e-14)
	step(2, []float64{-0.8, 0.5, 0.1, 0}, 0.5) // twice the gradient, clipped by half
	require.InDeltaSlice(t, []float64{0.49460553598225471, -1.2391385733821947, 1.9781787277434841, -0.016690581923564041}, p, 1e-14)
	require.InDeltaSlice(t, []float64{-0.031000007629394592, 0.0070000021457673261, 0.032000006914138623, 0.13500002861022864}, m, 1e-15)
	require.InDeltaSlice(t, []float64{0.00016998781157493426, 0.00010245868138312631, 9.2408811416611053e-05, 0.0022477210900779809}, v, 1e-15)

	before := append([]float64{}, p...)
	step(3, optimGrads[0], math.NaN())
	require.Equal(t, before, p, "an overflowed gradient changes nothing")
}

func TestPaperSGD(t *testing.T) {
	for _, c := range []struct {
		name         string
		mom, nest    int
		mu, wd       float64
		first, after []float64
	}{
		{"plain", 0, 0, 0, 0, []float64{0.48999999985098841, -1.2299999997019768, 1.9699999995529651, -0.15000000223517418},
			[]float64{0.53000000044703488, -1.2550000000745059, 1.9649999994784593, -0.15000000223517418}},
		{"decay", 0, 0, 0, 0.1, []float64{0.48499999970197677, -1.2174999993294477, 1.9499999989569188, -0.15000000223517418},
			[]float64{0.52015000015646218, -1.2303249993458389, 1.9254999983116985, -0.14850000216811896}},
		{"momentum", 1, 0, 0.9, 0.1, []float64{0.48499999970197677, -1.2174999993294477, 1.9499999989569188, -0.15000000223517418},
			[]float64{0.50665000024586915, -1.2010749995172023, 1.8804999985650181, -0.283500000603497}},
		{"nesterov", 1, 1, 0.9, 0.1, []float64{0.47149999979138374, -1.1882499995008111, 1.9049999992102384, -0.2850000006705522},
			[]float64{0.52639150022192294, -1.1868482500841171, 1.8188049998792559, -0.40108499593757085}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, buf := append([]float64{}, optimParam...), make([]float64, 4)
			for i, want := range [][]float64{c.first, c.after} {
				args := bufs{"p": p, "g": optimGrads[i], "hyper": {single32(0.1), 0, 0, 0, 0, 0, 0, 0}, "clip": {0, 1}}
				if c.mom == 1 {
					args["buf"] = buf
				}
				launch(t, "sgd", shaders.Consts{"MOM": c.mom}, 1, backend.U{"n4": 1, "mu": c.mu, "wd": c.wd, "lr_scale": 1.0, "nesterov": c.nest}, args)
				require.InDeltaSlice(t, want, p, 1e-14)
			}
		})
	}
}

// torch.nn.utils.clip_grad_norm_ on (3, 4, 12) with a bound of 2: the norm is 13.
func TestPaperClipByGlobalNorm(t *testing.T) {
	norms2, out := []float64{25, 144, 0, 0}, make([]float64, 4)
	launch(t, "clip_scale", nil, 1, backend.U{"n": 2, "max_norm": 2.0}, bufs{"norms2": norms2, "out": out})
	require.InDelta(t, 13, out[0], 1e-15)
	require.InDelta(t, 0.46153842603550577/3, out[1], 1e-14)
	launch(t, "clip_scale", nil, 1, backend.U{"n": 2, "max_norm": 20.0}, bufs{"norms2": norms2, "out": out})
	require.Equal(t, 1.0, out[1])
	norms2[1] = math.Inf(1)
	launch(t, "clip_scale", nil, 1, backend.U{"n": 2, "max_norm": 0.0}, bufs{"norms2": norms2, "out": out})
	require.True(t, math.IsNaN(out[1]))
}
