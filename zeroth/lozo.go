package zeroth

import "github.com/spf13/pflag"

var _ = register(Variant{Name: "lozo", Paper: "Chen et al. 2024, 2410.07698", About: "noise U V^T of low rank, V kept for a while",
	Defaults: func(o *Options) { o.Noise = LowRank }, ownNoise: true,
	flags: func(o *Options, f *pflag.FlagSet) {
		f.IntVar(&o.Rank, "lozo-rank", o.Rank, "rank of the noise")
		f.IntVar(&o.Period, "lozo-period", o.Period, "steps that share the right factor of the noise")
	},
	rule: func(o *Options) rule { return spsa{} }})
