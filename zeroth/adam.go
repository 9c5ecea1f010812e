package zeroth

import (
	"fmt"

	"github.com/spf13/pflag"
)

var _ = register(Variant{Name: "mezo-adam", Paper: "Malladi et al. 2023, 2305.17333, appendix B", About: "Adam, its moments regenerated from the log: no memory",
	flags: func(o *Options, f *pflag.FlagSet) {
		betaFlags(o, f)
		f.Float64Var(&o.Beta2, "zo-beta2", o.Beta2, "decay of the mean of past squares")
		f.Float64Var(&o.AdamEps, "adam-epsilon", o.AdamEps, "added to the root of the mean square")
	},
	update: func(o *Options) Update {
		return Update{Rule: Adam, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.AdamEps, Window: o.Window}
	},
	rule: func(o *Options) rule { return adam{} }})

// adam measures as MeZO does. With z in {-1, +1} the square of the estimate g z is g^2 for every weight, so that Adam's second moment is
// one number, and its first moment is a sum over past directions: neither takes memory.
type adam struct{ spsa }

func (adam) check(o *Options) error {
	switch {
	case o.Directions != 1:
		return fmt.Errorf("--directions %d: mezo-adam takes one direction a step", o.Directions)
	case o.Noise != Rademacher:
		return fmt.Errorf("--noise %s: mezo-adam wants rademacher, whose square is 1 for every weight", o.Noise)
	}
	return nil
}
