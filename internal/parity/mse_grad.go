package parity

var _ = register("mse_grad", func() []Case {
	return squares("mse_grad", "dp", map[string]Arg{"scale": {Elems: 4, Fill: table0(0.25)}})
})
