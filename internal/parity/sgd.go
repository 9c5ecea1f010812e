package parity

import (
	"math"

	"luthier/backend"
)

var _ = register("sgd", func() []Case {
	cases := []Case{}
	for _, mom := range []int{1, 0} {
		for _, nesterov := range []int{0, 1} {
			for _, clip := range []float64{0.8, math.NaN()} {
				cases = append(cases, sgdCases(mom, nesterov, clip)...)
			}
		}
	}
	return cases
})

func sgdCases(mom, nesterov int, clip float64) []Case {
	u := backend.U{"mu": 0.9, "wd": 0.1, "lr_scale": 0.5, "nesterov": nesterov}
	cases := flatWith("sgd", map[string]int{"MOM": mom}, Reduce(4), u, func(n4 int) map[string]Arg {
		args := map[string]Arg{"p": {Elems: 4 * n4}, "g": {Elems: 4 * n4}, "hyper": {Elems: 8, Fill: table0(0.1)}, "clip": {Elems: 4, Fill: table0(3, clip)}}
		if mom == 1 {
			args["buf"] = Arg{Elems: 4 * n4}
		}
		return args
	})
	for i := range cases {
		cases[i].Name += num(" nesterov", nesterov, "clip", clip)
	}
	return cases
}
