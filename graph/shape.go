package graph

import (
	"fmt"
	"strings"

	"luthier/backend"
)

// Shape lists the dimensions of a value, row-major. Shapes are static.
type Shape []int

// Elems is the number of elements.
func (s Shape) Elems() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal compares dimension by dimension.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

func (s Shape) String() string { return strings.ReplaceAll(fmt.Sprint([]int(s)), " ", " x ") }

// Last is the size of the last dimension, 1 for scalars.
func (s Shape) Last() int {
	if len(s) == 0 {
		return 1
	}
	return s[len(s)-1]
}

// Rows is the number of rows of the last dimension.
func (s Shape) Rows() int {
	if s.Last() == 0 {
		return 0
	}
	return s.Elems() / s.Last()
}

func (s Sig) String() string {
	t := s.DType.String() + s.Shape.String()
	if s.LD != 0 {
		t += fmt.Sprintf(" ld %d", s.LD)
	}
	return t
}

// ld is the distance of rows in elements.
func (s Sig) ld() int {
	if s.LD != 0 {
		return s.LD
	}
	return s.Shape.Last()
}

// store is the number of elements that storage of s takes.
func (s Sig) store() int { return s.Shape.Rows() * s.ld() }

// f32 makes the type of a dense f32 value.
func f32(dims ...int) Sig { return Sig{Shape: dims} }

// Up4 rounds n up to a multiple of 4: rows of that length are read by vec4.
func up4(n int) int { return (n + 3) / 4 * 4 }

// dense checks that an input is f32 without row padding.
func dense(what string, s Sig) error {
	if s.DType != backend.F32 {
		return fmt.Errorf("%s has storage type %s, want f32", what, s.DType)
	}
	if s.LD != 0 && s.LD != s.Shape.Last() {
		return fmt.Errorf("%s has padded rows", what)
	}
	return nil
}

// integers checks that an input holds u32.
func integers(what string, s Sig) error {
	if s.DType != backend.U32 {
		return fmt.Errorf("%s has storage type %s, want u32", what, s.DType)
	}
	return nil
}

// ShapeError is a mismatch of shapes.
type ShapeError struct {
	What       string
	Want, Have Shape
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("%s: want shape %v, have %v", e.What, e.Want, e.Have)
}

func wantShape(what string, want Shape, s Sig) error {
	if !want.Equal(s.Shape) {
		return &ShapeError{what, want, s.Shape}
	}
	return nil
}
