// Package parity checks kernels: one dispatch run on a device and on the float64 reference, the outputs compared.
//
// The cases are code and not test data because two callers run them: the test suite, and `luthier doctor` on the user's own adapter.
package parity

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"luthier/backend"
	"luthier/backend/ref"
	"luthier/shaders"
)

// Arg is one buffer of a case.
type Arg struct {
	Elems int
	DType backend.DType
	Fill  func(i int) float64 // initial values; nil fills with uniform numbers in [-1, 1) (U32 buffers need a Fill)
	Skip  func(i int) bool    // outputs that the kernel leaves undefined, e.g. padding columns; nil compares all
}

// Case is one dispatch of one kernel instance. Shapes should be odd, with tails, and at limits.
type Case struct {
	Kernel string // file name, e.g. matmul_cpu
	Consts shaders.Consts
	Name   string // shape in words: "m5 n12 k8"
	Groups [3]uint32
	Args   map[string]Arg
	U      backend.U
	// Tol bounds |device - reference| relative to the largest magnitude of that output; see docs/numerics.md. Reduce(n) is the usual one.
	Tol float64
}

// Reduce is the tolerance of a sum of n terms in f32: a few units in the last place growing with the square root of n.
func Reduce(n int) float64 { return 8 * math.Ldexp(1, -24) * math.Sqrt(float64(n)+8) }

var table = map[string]func() []Case{}

// register adds the cases of a kernel file; used as var _ = register("gelu", ...) in a file of that kernel's name.
func register(kernel string, cases func() []Case) bool {
	table[kernel] = cases
	return true
}

// Kernels lists the kernel files that have cases, sorted.
func Kernels() []string {
	names := []string{}
	for k := range table {
		names = append(names, k)
	}
	sort.Strings(names)
	return names
}

// Cases are those of one kernel file.
func Cases(kernel string) []Case {
	if f := table[kernel]; f != nil {
		return f()
	}
	return nil
}

// Result is the worst difference of one case.
type Result struct {
	Output string
	Err    float64 // relative to the largest magnitude of the output
	Tol    float64
}

// Ok tells whether the case holds.
func (r Result) Ok() bool { return r.Err <= r.Tol }

// Run runs c on dev and on the reference.
func Run(ctx context.Context, dev backend.Device, c Case) (Result, error) {
	k, err := shaders.Load(c.Kernel, c.Consts)
	if err != nil {
		return Result{}, err
	}
	oracle := ref.New()
	want, err := launch(ctx, oracle, k, c)
	if err != nil {
		return Result{}, err
	}
	got, err := launch(ctx, dev, k, c)
	if err != nil {
		return Result{}, err
	}
	worst := Result{Tol: c.Tol}
	for _, b := range k.Bindings {
		if !b.Write {
			continue
		}
		e, err := compare(want[b.Name], got[b.Name], c.Args[b.Name])
		if err != nil {
			return Result{}, fmt.Errorf("%s %s: output %s: %w", k.Key, c.Name, b.Name, err)
		}
		if e >= worst.Err {
			worst.Output, worst.Err = b.Name, e
		}
	}
	return worst, nil
}

// launch fills the buffers with the case's numbers, rounded to what the device stores, runs, and reads the written ones back.
func launch(ctx context.Context, dev backend.Device, k *shaders.Kernel, c Case) (map[string][]float64, error) {
	args, out := backend.Args{}, map[string][]float64{}
	for name, a := range c.Args {
		b, err := dev.Alloc(a.Elems, a.DType)
		if err != nil {
			return nil, err
		}
		defer dev.Free(b)
		if err := dev.Write(b, encode(name, a)); err != nil {
			return nil, err
		}
		args[name] = b
	}
	rec := &backend.Recording{}
	if err := rec.Add(k, c.Groups, args, c.U, c.Name, 0); err != nil {
		return nil, err
	}
	if err := dev.Run(ctx, rec); err != nil {
		return nil, err
	}
	for _, b := range k.Bindings {
		if !b.Write {
			continue
		}
		raw, err := backend.Read(ctx, dev, args[b.Name])
		if err != nil {
			return nil, err
		}
		out[b.Name] = decode(raw, c.Args[b.Name].DType, c.Args[b.Name].Elems)
	}
	if f, ok := dev.(interface{ Forget(*backend.Recording) }); ok {
		f.Forget(rec)
	}
	return out, nil
}

// encode makes the host bytes of an argument, the same for both devices: values are seeded by the argument's name.
func encode(name string, a Arg) []byte {
	seed := uint64(14695981039346656037)
	for _, r := range name {
		seed = (seed ^ uint64(r)) * 1099511628211
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	raw := make([]byte, a.DType.Bytes(a.Elems))
	for i := range a.Elems {
		v := 2*rng.Float64() - 1
		if a.Fill != nil {
			v = a.Fill(i)
		}
		switch a.DType {
		case backend.F32:
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(float32(v)))
		case backend.U32:
			binary.LittleEndian.PutUint32(raw[4*i:], uint32(v))
		case backend.BF16:
			binary.LittleEndian.PutUint16(raw[2*i:], uint16(math.Float32bits(float32(v))>>16))
		}
	}
	return raw
}

func decode(raw []byte, t backend.DType, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		switch t {
		case backend.F32:
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
		case backend.U32:
			out[i] = float64(binary.LittleEndian.Uint32(raw[4*i:]))
		case backend.BF16:
			out[i] = float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16))
		}
	}
	return out
}

// compare returns the largest difference over the largest magnitude; NaN must meet NaN.
func compare(want, got []float64, a Arg) (float64, error) {
	scale, diff := 1e-30, 0.0
	for i, w := range want {
		if a.Skip != nil && a.Skip(i) {
			continue
		}
		if math.IsNaN(w) != math.IsNaN(got[i]) || math.IsInf(w, 0) != math.IsInf(got[i], 0) {
			return 0, fmt.Errorf("element %d: want %g, have %g", i, w, got[i])
		}
		if math.IsNaN(w) || math.IsInf(w, 0) {
			continue
		}
		scale, diff = max(scale, math.Abs(w)), max(diff, math.Abs(w-got[i]))
	}
	return diff / scale, nil
}

// num writes a shape for a case's name: num("m", 5, "n", 12) is "m5 n12".
func num(a ...any) string {
	s := ""
	for i := 0; i+1 < len(a); i += 2 {
		if s != "" {
			s += " "
		}
		s += fmt.Sprintf("%v%v", a[i], a[i+1])
	}
	return s
}
