package ref

import "math"

// w = f32(w + a z); bf16 weights are rounded by chance. The reference rounds as the kernel must: to the bit.
var _ = register("zo_add", func(c *Call) {
	w, z := c.X("w")[4*c.N("w0"):], zoLaid(c)
	cols, ld, e0 := c.N("cols"), c.N("ld"), c.N("e0")
	for i := range 4 * c.N("n4") {
		x := float32(z.moved(w[i], i, 0))
		if w[i] = float64(x); c.Const("BF16") == 0 {
			continue
		}
		e := e0 + i
		if c.Const("T") == 1 {
			e = e0 + i%ld*cols + i/ld
		}
		h := zoWord(z.key, uint32(c.N("tensor")), zoRounding, e/2) >> (16 * (e % 2)) & 0xffff
		b := math.Float32bits(x)
		if b&0x7f800000 != 0x7f800000 {
			b += h
		}
		w[i] = float64(math.Float32frombits(b &^ 0xffff))
	}
})
