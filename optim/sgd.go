package optim

import (
	"fmt"

	"github.com/spf13/pflag"

	"luthier/graph"
)

// SGD is stochastic gradient descent with optional momentum, in PyTorch's form: g += wd theta; b = mu b + g; theta -= eta b
// (Sutskever et al. 2013; with Nesterov theta -= eta (g + mu b)).
type SGD struct {
	Momentum, Decay float64
	Nesterov        bool
}

var _ = register("sgd", func() Optimizer { return &SGD{} })

// Name is sgd.
func (*SGD) Name() string { return "sgd" }

// Flags adds momentum, nesterov and weight-decay.
func (s *SGD) Flags(f *pflag.FlagSet) {
	f.Float64Var(&s.Momentum, "momentum", s.Momentum, "momentum of SGD")
	f.BoolVar(&s.Nesterov, "nesterov", s.Nesterov, "Nesterov's form of momentum")
	f.Float64Var(&s.Decay, "weight-decay", s.Decay, "weight decay, added to the gradient; not on biases and norms")
}

// Check wants momentum in [0, 1).
func (s *SGD) Check() error {
	if !(s.Momentum >= 0 && s.Momentum < 1) {
		return fmt.Errorf("--momentum %g: want a number in [0, 1)", s.Momentum)
	}
	if s.Nesterov && s.Momentum == 0 {
		return fmt.Errorf("--nesterov: give --momentum as well")
	}
	if !(s.Decay >= 0) {
		return fmt.Errorf("--weight-decay %g: want a number of at least 0", s.Decay)
	}
	return nil
}

// Update keeps the momentum buffer as a state, where there is momentum.
func (s *SGD) Update(p Parameter, hyper, clip *graph.Node) {
	o := graph.SGDOptions{Momentum: float32(s.Momentum), LRScale: p.LRScale, Nesterov: s.Nesterov}
	if p.Decay {
		o.Decay = float32(s.Decay)
	}
	var buf *graph.Node
	if s.Momentum != 0 {
		buf = p.Value.Graph().StateOf(stateName("momentum_buffer", p.Value), p.Value.Shape...)
	}
	graph.SGD(p.Value, buf, p.Gradient, hyper, clip, o)
}

// Hyper holds the learning rate.
func (s *SGD) Hyper(_ int, lr float64) [graph.HyperSize]float32 {
	return [graph.HyperSize]float32{float32(lr)}
}
