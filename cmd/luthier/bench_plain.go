package main

import (
	"context"

	"luthier/backend"
	"luthier/graph"
	"luthier/shaders"
)

// timePlain measures one product by the plain kernel, shaders/matmul.wgsl, one output a thread: what the variants are there to beat.
func timePlain(ctx context.Context, d backend.Device, m, n, k int, seconds float64) (rate, error) {
	kernel, err := shaders.Load("matmul", nil)
	if err != nil {
		return rate{}, err
	}
	args := backend.Args{}
	for name, size := range map[string]int{"a": m * k, "b": k * n, "c": m * n} {
		b, err := d.Alloc(size, backend.F32)
		if err != nil {
			return rate{}, err
		}
		defer d.Free(b)
		if err := d.Write(b, noise(graph.Sig{Shape: graph.Shape{size}})); err != nil {
			return rate{}, err
		}
		args[name] = b
	}
	rec := &backend.Recording{}
	flops := 2 * float64(m) * float64(n) * float64(k)
	err = rec.Add(kernel, [3]uint32{uint32((n + 63) / 64), uint32(m), 1}, args, backend.U{"m": m, "n": n, "k": k, "heads": 1, "lda": k, "ldb": n,
		"ldc": n, "bias0": 0, "a0": 0, "b0": 0, "c0": 0, "ga": 1, "sab": 0, "sah": 0, "sbb": 0, "sbh": 0, "scb": 0, "sch": 0, "gb": 1, "sbias": 0, "z0": 0,
		"alpha": float32(1)}, "plain", flops)
	if err != nil {
		return rate{}, err
	}
	if f, ok := d.(interface{ Forget(*backend.Recording) }); ok {
		defer f.Forget(rec)
	}
	t, err := clock(ctx, d, seconds, func() error { return d.Run(ctx, rec) })
	if err != nil {
		return rate{}, err
	}
	return newRate("plain kernel", "forward", m, n, k, t, flops, 0), nil
}
