package zeroth

var _ = register(Variant{Name: "mezo-momentum", Paper: "Malladi et al. 2023, 2305.17333, appendix B", About: "momentum, regenerated from the log: no memory",
	flags: betaFlags,
	rule:  func(o *Options) rule { return spsa{} }})
