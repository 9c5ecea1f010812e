package zeroth

var _ = register(Variant{Name: "mezo-momentum", Paper: "Malladi et al. 2023, 2305.17333, appendix B", About: "momentum, regenerated from the log: no memory",
	flags:  betaFlags,
	update: func(o *Options) Update { return Update{Rule: Momentum, Beta1: o.Beta1, Window: o.Window} },
	rule:   func(o *Options) rule { return spsa{} }})
