package ref

import "math"

// w = f32(w + a z); bf16 weights are rounded by chance. The reference rounds as the kernel must: to the bit.
var _ = register("zo_add", func(c *Call) {
	w, z := c.X("w")[4*c.N("w0"):], c.X("z")
	key := [2]uint32{uint32(z[2]), uint32(z[3])}
	cols, ld, row0 := c.N("cols"), c.N("ld"), c.N("row0")
	for i := range 4 * c.N("n4") {
		x := float32(zoMoved(w[i], z, c.Const("NOISE"), i, zoScalar(z, 0), c.Const("SPARSE") == 1))
		if w[i] = float64(x); c.Const("BF16") == 0 {
			continue
		}
		e := row0*cols + i
		if c.Const("T") == 1 {
			e = (row0+i%ld)*cols + i/ld
		}
		h := zoWord(key, uint32(c.N("tensor")), zoRounding, e/2) >> (16 * (e % 2)) & 0xffff
		b := math.Float32bits(x)
		if b&0x7f800000 != 0x7f800000 {
			b += h
		}
		w[i] = float64(math.Float32frombits(b &^ 0xffff))
	}
})
