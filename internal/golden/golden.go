// Package golden reads the files that scripts/golden.py and PEFT left: batches with the values that PyTorch computes on them.
package golden

import (
	"encoding/binary"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/graph"
	"luthier/model/safetensors"
)

// File is a golden.safetensors: a batch and what PyTorch computes on it. model/testdata/README.md lists the keys.
type File struct {
	t testing.TB
	*safetensors.File
}

// Open opens dir/golden.safetensors for the length of the test.
func Open(t testing.TB, dir string) File {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(dir, "golden.safetensors"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return File{t, f}
}

// Floats is a tensor of reals.
func (g File) Floats(name string) []float32 {
	x, ok := g.Tensor(name)
	require.True(g.t, ok, "golden %s", name)
	out := make([]float32, graph.Shape(x.Shape).Elems())
	require.NoError(g.t, x.Float32(out))
	return out
}

// Ints is an int64 tensor and its shape.
func (g File) Ints(name string) ([]int64, []int) {
	x, ok := g.Tensor(name)
	require.True(g.t, ok, "golden %s", name)
	out := make([]int64, graph.Shape(x.Shape).Elems())
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(x.Data[8*i:]))
	}
	return out, x.Shape
}

func words(v []int64) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func reals(v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// Inputs makes the input leaves of the batch, by name; task as model.Task. It returns the batch's rows and length too.
func (g File) Inputs(task, prefix string) (map[string][]byte, int, int) {
	ids, shape := g.Ints(prefix + "input_ids")
	mask, _ := g.Ints(prefix + "attention_mask")
	b, n := shape[0], shape[1]
	in := map[string][]byte{"input_ids": words(ids), "attention_mask": words(mask), "seed": make([]byte, 16)}
	pos, last, first, pick := make([]int64, b*n), make([]int64, b), make([]int64, b), make([]int64, b*n)
	for i := range pos {
		pos[i], pick[i] = int64(i%n), int64(i)
		if mask[i] != 0 {
			last[i/n] = int64(i)
		}
	}
	for i := range first {
		first[i] = int64(i * n)
	}
	if prefix == "left." {
		pos, _ = g.Ints(prefix + "position_ids")
	}
	in["position_ids"], in["last_token"], in["first_token"], in["pick"] = words(pos), words(last), words(first), words(pick)
	if _, ok := g.Tensor("token_type_ids"); ok {
		types, _ := g.Ints("token_type_ids")
		in["token_type_ids"] = words(types)
	}
	for _, name := range []string{"input_ids", "position_ids", "token_type_ids"} {
		if raw := in[name]; raw != nil {
			x := make([]int32, b*n)
			for i := range x {
				x[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
			}
			var seg []int64
			for _, w := range graph.Segments(x, graph.NoID) {
				seg = append(seg, int64(w))
			}
			in[name+".segments"] = words(seg)
		}
	}
	g.targets(task, prefix, in, n)
	return in, b, n
}

func (g File) targets(task, prefix string, in map[string][]byte, n int) {
	if task == "regress" {
		y := g.Floats("labels")
		in["targets"], in["target_weights"] = reals(y...), reals(1, 1, 1, 1, 1, 1, 1, 1)[:4*len(y)]
		in["loss_scale"] = reals(1 / float32(len(y)))
		return
	}
	labels, _ := g.Ints(prefix + "labels")
	count := 0
	out := make([]int64, len(labels))
	for i := range labels {
		out[i] = labels[i]
		if task == "clm" {
			out[i] = -100
			if i%n+1 < n {
				out[i] = labels[i+1]
			}
		}
		if out[i] >= 0 {
			count++
		}
	}
	in["labels"], in["loss_scale"] = words(out), reals(1/float32(count))
}

// Near compares relative to the largest magnitude.
func Near(t testing.TB, what string, want, have []float32, tol float64) {
	t.Helper()
	require.Len(t, have, len(want), what)
	scale, diff := 1e-12, 0.0
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i])))
		diff = max(diff, math.Abs(float64(want[i]-have[i])))
		require.False(t, math.IsNaN(float64(have[i])), "%s[%d] is NaN", what, i)
	}
	require.LessOrEqual(t, diff/scale, tol, what)
}
