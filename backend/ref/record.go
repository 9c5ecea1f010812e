package ref

// ring[(slot % len) * n + i] = src[i].
var _ = register("record", func(c *Call) {
	n := c.N("n")
	row := int(c.X("slot")[0]) % c.N("len")
	copy(c.X("ring")[row*n:row*n+n], c.X("src"))
})
