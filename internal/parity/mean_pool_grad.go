package parity

var _ = register("mean_pool_grad", func() []Case { return pools("mean_pool_grad", "dx", "dy") })
