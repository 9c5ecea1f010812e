package zeroth

import (
	"github.com/spf13/pflag"
	"math"
	"slices"
)

var _ = register(Variant{Name: "sparse-mezo", Paper: "Liu et al. 2024, 2402.15751", About: "only the small weights of each tensor are perturbed and trained",
	sparse: true, flags: func(o *Options, f *pflag.FlagSet) {
		f.Float64Var(&o.Sparsity, "sparsity", o.Sparsity, "share of each tensor, its largest weights, that stays as it is")
	},
	rule: func(o *Options) rule { return sparse{} }})

// sparse measures as MeZO does; the kernels leave weights above their tensor's threshold alone, looking at the weights as they are.
type sparse struct{ spsa }

// thresholdOf is the magnitude that a share of the tensor's weights exceeds; the largest f32 where none is to.
func thresholdOf(x *Tensor, share float64) float32 {
	if share == 0 || x.elems() == 0 {
		return math.MaxFloat32
	}
	abs := make([]float32, 0, x.elems())
	for _, v := range x.F32 {
		abs = append(abs, magnitude(v))
	}
	for _, v := range x.BF16 {
		abs = append(abs, magnitude(math.Float32frombits(uint32(v)<<16)))
	}
	slices.Sort(abs)
	keep := int(math.Ceil(float64(len(abs)) * (1 - share)))
	if t := abs[max(0, keep-1)]; t > 0 {
		return t
	}
	return math.MaxFloat32 // a tensor that starts at zero, as LoRA's B does, would stop at its first step
}
