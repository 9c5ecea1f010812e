package optim

import (
	"fmt"
	"math"
	"strconv"

	"github.com/spf13/pflag"

	"luthier/graph"
)

// AdamW is Adam with decoupled weight decay and bias correction, in PyTorch's form (Loshchilov and Hutter 2019, algorithm 2):
//
//	theta *= 1 - eta wd;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2
//	theta -= eta / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)
//
// Biased leaves the two corrections out, as the optimizer of the first BERT did (Devlin et al. 2019): its first steps are several times as
// large, the cause of many failed runs on few rows (Mosbach et al. 2021; Zhang et al. 2021).
type AdamW struct {
	Beta1, Beta2, Eps, Decay float64
	Biased                   bool `json:",omitempty"`
}

var _ = register("adamw", func() Optimizer { return &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8} })

// Name is adamw.
func (*AdamW) Name() string { return "adamw" }

// Flags adds adam-beta1, adam-beta2, adam-epsilon, adam-bias-correction and weight-decay.
func (a *AdamW) Flags(f *pflag.FlagSet) {
	f.Float64Var(&a.Beta1, "adam-beta1", a.Beta1, "decay of the gradient's mean")
	f.Float64Var(&a.Beta2, "adam-beta2", a.Beta2, "decay of the gradient's mean square")
	f.Float64Var(&a.Eps, "adam-epsilon", a.Eps, "added to the root of the mean square")
	f.Var((*inverse)(&a.Biased), "adam-bias-correction", "correct both means for their start at zero; false is the optimizer of the first BERT")
	f.Lookup("adam-bias-correction").NoOptDefVal = "true"
	f.Float64Var(&a.Decay, "weight-decay", a.Decay, "decoupled weight decay; not on biases and norms")
}

// Check wants decays in [0, 1).
func (a *AdamW) Check() error {
	for _, b := range []struct {
		name string
		v    float64
	}{{"adam-beta1", a.Beta1}, {"adam-beta2", a.Beta2}} {
		if !(b.v >= 0 && b.v < 1) {
			return fmt.Errorf("--%s %g: want a number in [0, 1)", b.name, b.v)
		}
	}
	if !(a.Eps >= 0) || math.IsInf(a.Eps, 0) {
		return fmt.Errorf("--adam-epsilon %g: want a number of at least 0", a.Eps)
	}
	if !(a.Decay >= 0) || math.IsInf(a.Decay, 0) {
		return fmt.Errorf("--weight-decay %g: want a number of at least 0", a.Decay)
	}
	return nil
}

// Update keeps m and v as states.
func (a *AdamW) Update(p Parameter, hyper, clip *graph.Node) {
	g, s := p.Value.Graph(), p.Value.Shape
	o := graph.AdamWOptions{Beta1: float32(a.Beta1), Beta2: float32(a.Beta2), Eps: float32(a.Eps), LRScale: p.LRScale}
	if p.Decay {
		o.Decay = float32(a.Decay)
	}
	graph.AdamW(p.Value, g.StateOf(stateName("exp_avg", p.Value), s...), g.StateOf(stateName("exp_avg_sq", p.Value), s...), p.Gradient, hyper, clip, o)
}

// Hyper holds the learning rate and the bias corrections, computed in float64.
func (a *AdamW) Hyper(t int, lr float64) [graph.HyperSize]float32 {
	if a.Biased {
		return [graph.HyperSize]float32{float32(lr), 1, 1}
	}
	return [graph.HyperSize]float32{float32(lr), float32(1 / (1 - math.Pow(a.Beta1, float64(t)))), float32(1 / (1 - math.Pow(a.Beta2, float64(t))))}
}

// inverse is a switch whose variable says the opposite, so that the zero value of an optimizer is the usual one.
type inverse bool

func (v *inverse) String() string { return strconv.FormatBool(!bool(*v)) }
func (v *inverse) Type() string   { return "bool" }

func (v *inverse) Set(s string) error {
	on, err := strconv.ParseBool(s)
	*v = inverse(!on)
	return err
}
