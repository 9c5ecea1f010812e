package backend

import (
	"encoding/binary"
	"fmt"
	"math"

	"luthier/shaders"
)

// Dispatch is one kernel launch: everything bound, nothing left to look up.
type Dispatch struct {
	Kernel  *shaders.Kernel
	Groups  [3]uint32
	Args    []Buffer // in the order of Kernel.Bindings
	Uniform []byte   // laid out as Kernel.Uniform says
	Label   string   // the graph node it came from, for profiles and errors
	Flops   float64  // arithmetic, for cutting submits and for profiles
}

// Recording is an immutable list of dispatches. What changes from step to step lives in buffers, so a recording is replayed as it is.
type Recording struct {
	Dispatches []Dispatch
}

// Args names the buffers of one dispatch, U its uniforms (int, uint32, float32 or float64).
type (
	Args map[string]Buffer
	U    map[string]any
)

// Add appends a dispatch. Every binding and uniform of k must be given, by the names in its WGSL, and no other.
func (r *Recording) Add(k *shaders.Kernel, groups [3]uint32, args Args, u U, label string, flops float64) error {
	d := Dispatch{Kernel: k, Groups: groups, Label: label, Flops: flops}
	for _, b := range k.Bindings {
		buf, ok := args[b.Name]
		if !ok || buf == nil {
			return fmt.Errorf("shaders/%s.wgsl: binding %s not given (%s)", k.Name, b.Name, label)
		}
		d.Args = append(d.Args, buf)
	}
	if len(args) != len(k.Bindings) {
		return fmt.Errorf("shaders/%s.wgsl: %d buffers given, it has %d bindings (%s)", k.Name, len(args), len(k.Bindings), label)
	}
	var err error
	if d.Uniform, err = PackUniform(k, u); err != nil {
		return fmt.Errorf("%w (%s)", err, label)
	}
	r.Dispatches = append(r.Dispatches, d)
	return nil
}

// PackUniform lays out the uniform block of k.
func PackUniform(k *shaders.Kernel, u U) ([]byte, error) {
	if len(u) != len(k.Uniform) {
		return nil, fmt.Errorf("shaders/%s.wgsl: %d uniforms given, it has %d", k.Name, len(u), len(k.Uniform))
	}
	b := make([]byte, (len(k.Uniform)*4+15)/16*16)
	for _, f := range k.Uniform {
		v, ok := u[f.Name]
		if !ok {
			return nil, fmt.Errorf("shaders/%s.wgsl: uniform %s not given", k.Name, f.Name)
		}
		w, err := word(v, f.Float)
		if err != nil {
			return nil, fmt.Errorf("shaders/%s.wgsl: uniform %s: %w", k.Name, f.Name, err)
		}
		binary.LittleEndian.PutUint32(b[f.Offset:], w)
	}
	return b, nil
}

func word(v any, float bool) (uint32, error) {
	switch v := v.(type) {
	case float64:
		if float {
			return math.Float32bits(float32(v)), nil
		}
	case float32:
		if float {
			return math.Float32bits(v), nil
		}
	case uint32:
		if !float {
			return v, nil
		}
	case int:
		if float {
			return math.Float32bits(float32(v)), nil
		}
		if v < 0 || int64(v) > math.MaxUint32 {
			return 0, fmt.Errorf("%d does not fit u32", v)
		}
		return uint32(v), nil
	}
	return 0, fmt.Errorf("%v (%T) is not of its type", v, v)
}

// gridX is the width of a grid that a kernel reads back as one dimension: w.y * 32768u + w.x.
const gridX = 32768

// Grid covers n workgroups in one dimension, folded to two above 32768. Kernels guard the excess of the last row.
func Grid(n int) [3]uint32 {
	if n <= gridX {
		return [3]uint32{uint32(n), 1, 1}
	}
	return [3]uint32{gridX, uint32((n + gridX - 1) / gridX), 1}
}
