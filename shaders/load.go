// Package shaders holds the WGSL kernels and what the host must know of them.
//
// A kernel is one file, shaders/NAME.wgsl, with one entry point main, one bind group and at most one uniform block of scalars.
// Directives (see expander) make instances of it; gogpu/naga reflects each instance, so that no binding number, uniform offset or
// workgroup size is typed a second time in Go. A file with //#variant NAME computes the same as kernel NAME, with the same bindings
// and uniforms, in a way that suits another class of adapters; one float64 reference serves them all.
package shaders

import (
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"sync"
)

//go:embed *.wgsl shared/*.wgsl
var files embed.FS

// Kernel is one instance of a WGSL file: its plain source and the interface that naga found in it.
type Kernel struct {
	Name      string         // file name without .wgsl
	Contract  string         // name of the reference: Name, or what //#variant says
	Key       string         // Name and the constants given, unique per instance
	Consts    map[string]int // every constant with the value it has in this instance
	Source    string         // WGSL after expansion, inputs still declared read
	Workgroup [3]uint32
	Bindings  []Binding // storage buffers, by binding number
	Uniform   []Field   // members of the uniform block, nil if there is none
	UniformAt uint32    // binding number of the uniform block
	Shared    uint32    // bytes of workgroup memory
}

// Binding is a storage buffer of a kernel.
type Binding struct {
	Name   string
	Index  uint32
	Write  bool   // declared read_write
	Elem   string // element type as the shader sees it: f32, u32, vec4<f32> ...
	Stride uint32 // bytes of one element
}

// Field is a 4-byte scalar in the uniform block.
type Field struct {
	Name   string
	Offset uint32
	Float  bool
}

var cache sync.Map // instance key -> *Kernel

// Load returns the instance of kernel name with the given constants; the others keep the defaults of the file. Instances are cached.
func Load(name string, c Consts) (*Kernel, error) {
	key := instanceKey(name, c)
	if k, ok := cache.Load(key); ok {
		return k.(*Kernel), nil
	}
	src, err := read(name + ".wgsl")
	if err != nil {
		return nil, fmt.Errorf("shaders: no kernel %q", name)
	}
	plain, vals, err := expand(name, src, c, read)
	if err != nil {
		return nil, err
	}
	k := &Kernel{Name: name, Contract: name, Key: key, Consts: vals, Source: plain}
	if v := directive(src, "variant"); len(v) > 0 {
		k.Contract = v[0]
	}
	if err := reflect(k); err != nil {
		return nil, err
	}
	got, _ := cache.LoadOrStore(key, k)
	return got.(*Kernel), nil
}

func read(name string) (string, error) {
	b, err := files.ReadFile(name)
	return string(b), err
}

func instanceKey(name string, c Consts) string {
	parts := []string{}
	for k, v := range c {
		parts = append(parts, fmt.Sprintf("%s=%d", k, v))
	}
	sort.Strings(parts)
	return strings.Join(append([]string{name}, parts...), " ")
}

// Names lists every kernel file, sorted.
func Names() []string {
	m, _ := fs.Glob(files, "*.wgsl")
	for i := range m {
		m[i] = strings.TrimSuffix(m[i], ".wgsl")
	}
	sort.Strings(m)
	return m
}

// Instances lists the constant sets that the file declares with //#instance NAME=V ..., the defaults (nil) first. Tests and gpucheck
// go through them.
func Instances(name string) ([]Consts, error) {
	src, err := read(name + ".wgsl")
	if err != nil {
		return nil, fmt.Errorf("shaders: no kernel %q", name)
	}
	all := []Consts{nil}
	for n, l := range strings.Split(src, "\n") {
		f, ok := strings.CutPrefix(strings.TrimSpace(l), "//#instance ")
		if !ok {
			continue
		}
		c := Consts{}
		for _, p := range strings.Fields(f) {
			k, v, ok := strings.Cut(p, "=")
			var i int
			if _, err := fmt.Sscan(v, &i); err != nil || !ok {
				return nil, fmt.Errorf("shaders/%s.wgsl:%d: want //#instance NAME=VALUE ..., have %q", name, n+1, p)
			}
			c[k] = i
		}
		all = append(all, c)
	}
	return all, nil
}

// Text returns the unexpanded source of a kernel file, for lint tests.
func Text(name string) (string, error) { return read(name + ".wgsl") }

// directive returns the arguments of the first //#what line.
func directive(src, what string) []string {
	for _, l := range strings.Split(src, "\n") {
		if f := strings.Fields(strings.TrimSpace(l)); len(f) > 1 && f[0] == "//#"+what {
			return f[1:]
		}
	}
	return nil
}
