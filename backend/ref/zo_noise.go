package ref

// z = header and packed noise; see shaders/zo_noise.wgsl.
var _ = register("zo_noise", func(c *Call) {
	zo, z := c.X("zo"), c.X("z")
	kind, tensor := c.Const("KIND"), uint32(c.N("tensor"))
	copy(z, []float64{zo[2], zo[3], zo[0], zo[1], zo[16+tensor], 0, 0, 0})
	cols, ld, row0 := c.N("cols"), c.N("ld"), c.N("row0")
	per := 4 // elements a word
	if kind == zoRademacher {
		per = 32
	}
	for k := range c.N("words") {
		var w uint32
		for j := range per {
			i := per*k + j
			e := row0*cols + i
			if c.Const("T") == 1 {
				e = (row0+i%ld)*cols + i/ld
			}
			v := int(zoValue(kind, zo, tensor, e, cols))
			if per == 32 {
				w |= uint32(1-v) / 2 << j
			} else {
				w |= uint32(uint8(v)) << (8 * j)
			}
		}
		z[8+k] = float64(w)
	}
})
