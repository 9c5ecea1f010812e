package model

import (
	"fmt"

	"luthier/graph"
)

// Give sets the values of a weight or parameter, ahead of the checkpoint's. dims is their shape, which the build holds against the one it
// wants: of a matrix that lies the other way round the number of values is right all the same. Without dims the number alone counts.
func (w *Weights) Give(name string, x []float32, dims ...int) {
	w.given[name], w.givenDims[name] = x, dims
}

// Given are the values set by Give.
func (w *Weights) Given(name string) ([]float32, bool) {
	x, ok := w.given[name]
	return x, ok
}

// fits holds what was given for a name against the shape that a build wants; remedy ends the message.
func (w *Weights) fits(name string, want []int, remedy string) error {
	x, given := w.given[name]
	have := w.givenDims[name]
	switch {
	case !given:
		return nil
	case len(have) > 0 && !graph.Shape(want).Equal(have):
		return fmt.Errorf("%s: given with shape %v, want %v: %s", name, have, want, remedy)
	case len(x) != graph.Shape(want).Elems():
		return fmt.Errorf("%s: %d values given, want shape %v: %s", name, len(x), want, remedy)
	}
	return nil
}
