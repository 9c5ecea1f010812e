package shaders

import (
	"fmt"
	"sort"
	"strings"

	"github.com/gogpu/naga"
	"github.com/gogpu/naga/ir"
)

// Module parses and lowers a kernel's plain source with naga. It checks syntax and names, not types: the driver has the last word.
func (k *Kernel) Module() (*ir.Module, error) {
	tree, err := naga.Parse(k.Source)
	if err != nil {
		return nil, fmt.Errorf("shaders/%s.wgsl (%s): %w", k.Name, k.Key, err)
	}
	m, err := naga.LowerWithSource(tree, k.Source)
	if err != nil {
		return nil, fmt.Errorf("shaders/%s.wgsl (%s): %w", k.Name, k.Key, err)
	}
	return m, nil
}

// reflect fills in the interface of k from its source.
func reflect(k *Kernel) error {
	m, err := k.Module()
	if err != nil {
		return err
	}
	if len(m.EntryPoints) != 1 || m.EntryPoints[0].Name != "main" {
		return fmt.Errorf("shaders/%s.wgsl: want one entry point, main", k.Name)
	}
	k.Workgroup = m.EntryPoints[0].Workgroup
	for _, v := range m.GlobalVariables {
		switch v.Space {
		case ir.SpaceWorkGroup:
			k.Shared += ir.TypeSize(m, v.Type)
		case ir.SpaceStorage:
			a, ok := m.Types[v.Type].Inner.(ir.ArrayType)
			if !ok || v.Binding == nil {
				return fmt.Errorf("shaders/%s.wgsl: storage %s must be a bound array", k.Name, v.Name)
			}
			k.Bindings = append(k.Bindings, Binding{v.Name, v.Binding.Binding, v.Access != ir.StorageRead, typeName(m, a.Base), a.Stride})
		case ir.SpaceUniform:
			if err := uniform(k, m, v); err != nil {
				return err
			}
		}
	}
	sort.Slice(k.Bindings, func(i, j int) bool { return k.Bindings[i].Index < k.Bindings[j].Index })
	return nil
}

func uniform(k *Kernel, m *ir.Module, v ir.GlobalVariable) error {
	s, ok := m.Types[v.Type].Inner.(ir.StructType)
	if !ok || v.Binding == nil || k.Uniform != nil {
		return fmt.Errorf("shaders/%s.wgsl: want one uniform block, a struct of scalars", k.Name)
	}
	k.UniformAt = v.Binding.Binding
	for _, f := range s.Members {
		t := typeName(m, f.Type)
		if t != "f32" && t != "u32" {
			return fmt.Errorf("shaders/%s.wgsl: uniform %s has type %s, want f32 or u32", k.Name, f.Name, t)
		}
		k.Uniform = append(k.Uniform, Field{f.Name, f.Offset, t == "f32"})
	}
	return nil
}

func typeName(m *ir.Module, h ir.TypeHandle) string {
	switch t := m.Types[h].Inner.(type) {
	case ir.ScalarType:
		return scalarName(t)
	case ir.VectorType:
		return fmt.Sprintf("vec%d<%s>", t.Size, scalarName(t.Scalar))
	case ir.AtomicType:
		return "atomic<" + scalarName(t.Scalar) + ">"
	}
	return "?"
}

func scalarName(t ir.ScalarType) string {
	switch t.Kind {
	case ir.ScalarFloat:
		return fmt.Sprintf("f%d", t.Width*8)
	case ir.ScalarUint:
		return fmt.Sprintf("u%d", t.Width*8)
	case ir.ScalarSint:
		return fmt.Sprintf("i%d", t.Width*8)
	}
	return "bool"
}

// DeviceSource is the source as pipelines are made from it: every storage buffer is declared read_write. Activations of one program
// share arenas, and WebGPU refuses a buffer that one dispatch uses both as read-only and as writable storage, even in ranges apart.
func (k *Kernel) DeviceSource() string {
	return strings.ReplaceAll(k.Source, "var<storage, read>", "var<storage, read_write>")
}
