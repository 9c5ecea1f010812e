package zeroth

var _ = register(Variant{Name: "lozo", Paper: "Chen et al. 2024, 2410.07698", About: "noise U V^T of low rank, V kept for a while",
	Defaults: func(o *Options) { o.Noise = LowRank }, rule: func(o *Options) rule { return spsa{} }})
