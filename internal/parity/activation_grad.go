package parity

var _ = register("activation_grad", func() []Case { return activations("activation_grad", "x", "dy", "dx") })
