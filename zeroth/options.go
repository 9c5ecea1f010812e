package zeroth

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"luthier/graph"
)

// Options are the settings of a run without gradients.
type Options struct {
	Variant    string  `json:"optimizer"`  // one of Variants
	Eps        float64 `json:"eps"`        // size of the perturbation
	Directions int     `json:"directions"` // n of n-SPSA, N of FZOO
	OneSided   bool    `json:"one_sided"`  // L(theta + eps z) - L(theta) instead of the central difference
	Pairs      string  `json:"-"`          // together, apart, auto: where the forwards of a pair run, not what they compute
	Noise      Noise   `json:"noise"`
	Objective  string  `json:"objective"` // loss, or a metric of train
	Seed       uint64  `json:"seed"`
	MaxSkipped int     `json:"max_skipped"` // steps in a row without a finite loss before the run ends
	HashSteps  int     `json:"hash_steps"`  // the weights' hash goes to the log each so many steps; 0 for never

	Rank     int     `json:"rank"`   // LOZO: r of the noise U V^T
	Period   int     `json:"period"` // LOZO: steps nu between new right factors
	Beta1    float64 `json:"beta1"`  // momentum and Adam
	Beta2    float64 `json:"beta2"`
	AdamEps  float64 `json:"adam_eps"`
	Window   int     `json:"window"`   // steps that regenerated moments look back
	Sparsity float64 `json:"sparsity"` // Sparse-MeZO: share of each tensor, its largest weights, that stays as it is

	Alpha         float64 `json:"hizoo_alpha,omitempty"`  // HiZOO: share of the curvature seen in the running one
	AnchorEvery   int     `json:"svrg_every,omitempty"`   // MeZO-SVRG: steps q between anchors; 0 of other variants
	AnchorBatches int     `json:"svrg_batches,omitempty"` // MeZO-SVRG: batches of the estimate at an anchor, 0 for the whole training set
	FullLR        float64 `json:"svrg_full_lr,omitempty"` // MeZO-SVRG: the steps that set an anchor take so many times the learning rate
}

// Variant is an estimator or an update rule on the same perturbations.
type Variant struct {
	Name, Paper, About string
	Defaults           func(*Options)
	flags              func(o *Options, f *pflag.FlagSet) // settings of its own
	update             func(o *Options) Update            // its rule of the log; nil: Plain
	single             bool                               // it measures single points beside pairs
	sparse             bool                               // weights above a threshold are left alone
	oneWay             bool                               // one-sided or two-sided is not the user's to choose
	ownNoise           bool                               // nor is the noise
	rule               func(o *Options) rule
}

var variants = map[string]Variant{}

func register(v Variant) bool {
	variants[v.Name] = v
	return true
}

// Variants lists the names, sorted.
func Variants() []string {
	var out []string
	for n := range variants {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// VariantOf is the variant of that name.
func VariantOf(name string) (Variant, bool) {
	v, ok := variants[name]
	return v, ok
}

// Defaults are the paper's for the variant; the common ones are MeZO's (2305.17333, appendix E).
func Defaults(name string) (Options, error) {
	v, ok := variants[name]
	if !ok {
		return Options{}, fmt.Errorf("optimizer %q is not known: have %s", name, strings.Join(Variants(), ", "))
	}
	o := Options{Variant: name, Eps: 1e-3, Directions: 1, Pairs: "auto", Noise: Rademacher, Objective: "loss", MaxSkipped: 10,
		HashSteps: 1000, Rank: 2, Period: 50, Beta1: 0.9, Beta2: 0.999, AdamEps: 1e-8, Window: 64, Sparsity: 0.75}
	if v.Defaults != nil {
		v.Defaults(&o)
	}
	return o, nil
}

// Check refuses what cannot work.
func (o *Options) Check() error {
	v, ok := variants[o.Variant]
	switch {
	case !ok:
		return fmt.Errorf("optimizer %q is not known: have %s", o.Variant, strings.Join(Variants(), ", "))
	case !(o.Eps > 0) || math.IsInf(o.Eps, 0):
		return fmt.Errorf("--eps %g: want a positive number", o.Eps)
	case o.Directions < 1 || o.Directions > 1024:
		return fmt.Errorf("--directions %d: want 1 to 1024", o.Directions)
	case o.Pairs != "auto" && o.Pairs != "together" && o.Pairs != "apart":
		return fmt.Errorf("--pairs %q: want together, apart or auto", o.Pairs)
	case o.Noise != Rademacher && o.Noise != Gaussian && o.Noise != LowRank:
		return fmt.Errorf("--noise %q: want %s, %s or %s", o.Noise, Rademacher, Gaussian, LowRank)
	case o.Rank < 1 || o.Rank > 32:
		return fmt.Errorf("--lozo-rank %d: want 1 to 32", o.Rank)
	case o.Period < 1:
		return fmt.Errorf("--lozo-period %d: want at least 1", o.Period)
	case !(o.Beta1 >= 0 && o.Beta1 < 1) || !(o.Beta2 >= 0 && o.Beta2 < 1):
		return fmt.Errorf("--zo-beta1 %g, --zo-beta2 %g: want numbers in [0, 1)", o.Beta1, o.Beta2)
	case o.Window < 1 || o.Window > 4096:
		return fmt.Errorf("--zo-window %d: want 1 to 4096", o.Window)
	case !(o.Sparsity >= 0 && o.Sparsity < 1):
		return fmt.Errorf("--sparsity %g: want a share in [0, 1)", o.Sparsity)
	case o.HashSteps < 0 || o.MaxSkipped < 0:
		return fmt.Errorf("--hash-steps %d, --max-skipped %d: want numbers of at least 0", o.HashSteps, o.MaxSkipped)
	}
	if c, ok := v.rule(o).(checker); ok {
		return c.check(o)
	}
	return nil
}

// checker is a rule with demands of its own.
type checker interface{ check(o *Options) error }

// kind is the noise as the kernels have it.
func (n Noise) kind() graph.NoiseKind {
	switch n {
	case Gaussian:
		return graph.Binomial
	case LowRank:
		return graph.LowRank
	}
	return graph.Rademacher
}
