package ref

import "math"

// y[r] = table[ids[r] - lo] for the ids in [lo, hi).
var _ = register("embedding", func(c *Call) {
	ids, table, y := c.X("ids"), c.X("table"), c.X("y")
	d, lo, hi := 4*c.N("d4"), c.N("lo"), c.N("hi")
	for r := range c.N("rows") {
		if id := int(ids[r]); id >= lo && id < hi {
			copy(y[r*d:(r+1)*d], table[(id-lo)*d:])
			if kind := c.Const("NOISE"); kind != 0 {
				zo := c.X("zo")
				a := float64(math.Float32frombits(uint32(zo[2+r/c.N("per")])))
				most := float64(math.Float32frombits(uint32(zo[16+c.N("tensor")])))
				for i := range d {
					if v := &y[r*d+i]; c.Const("SPARSE") == 0 || math.Abs(*v) <= most {
						*v += a * zoValue(kind, zo, uint32(c.N("tensor")), id*d+i, d)
					}
				}
			}
		}
	}
})
