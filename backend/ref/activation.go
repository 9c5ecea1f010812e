package ref

import "math"

// Activation is a scalar function and its derivative.
type Activation struct{ F, D func(x float64) float64 }

// Activations are numbered as in shaders/shared/activation.wgsl; 0 is the identity.
var Activations = []Activation{
	{func(x float64) float64 { return x }, func(x float64) float64 { return 1 }},
	{gelu, func(x float64) float64 {
		return 0.5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	}},
	{geluTanh, func(x float64) float64 {
		t := math.Tanh(geluC * (x + 0.044715*x*x*x))
		return 0.5*(1+t) + 0.5*x*(1-t*t)*geluC*(1+3*0.044715*x*x)
	}},
	{func(x float64) float64 { return max(x, 0) }, func(x float64) float64 {
		if x > 0 {
			return 1
		}
		return 0
	}},
	{math.Tanh, func(x float64) float64 { t := math.Tanh(x); return 1 - t*t }},
	{func(x float64) float64 { return x * sigmoid(x) }, func(x float64) float64 { s := sigmoid(x); return s * (1 + x*(1-s)) }},
}

var geluC = math.Sqrt(2 / math.Pi)

// gelu is x Phi(x) (Hendrycks and Gimpel 2016), by the error function.
func gelu(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }

// geluTanh is the paper's approximation by tanh, which GPT-2 has.
func geluTanh(x float64) float64 { return 0.5 * x * (1 + math.Tanh(geluC*(x+0.044715*x*x*x))) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// y = f(x).
var _ = register("activation", func(c *Call) {
	x, y, f := c.X("x"), c.X("y"), Activations[c.Const("ACT")]
	for i := range 4 * c.N("n4") {
		y[i] = f.F(x[i])
	}
})
