package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"luthier/model"
	"luthier/model/safetensors"
)

// batch are token ids with their masks, row by row.
type batch struct {
	b, t   int
	values map[string][]int64
}

func readBatch(path string) (*batch, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read-only
	in := &batch{values: map[string][]int64{}}
	for _, name := range []string{"input_ids", "attention_mask", "token_type_ids", "position_ids"} {
		x, ok := f.Tensor(name)
		if !ok {
			continue
		}
		if x.DType != safetensors.I64 || len(x.Shape) != 2 || (in.b > 0 && (x.Shape[0] != in.b || x.Shape[1] != in.t)) {
			return nil, fmt.Errorf("%s: %s is %s %v, want I64 of [B, T]", path, name, x.DType, x.Shape)
		}
		in.b, in.t = x.Shape[0], x.Shape[1]
		v := make([]int64, x.Elems())
		for i := range v {
			v[i] = int64(binary.LittleEndian.Uint64(x.Data[8*i:]))
		}
		in.values[name] = v
	}
	if in.values["input_ids"] == nil {
		return nil, fmt.Errorf("%s: no input_ids", path)
	}
	return in, nil
}

// of is a given tensor, or what transformers takes where it is not given.
func (in *batch) of(name string, otherwise func(t int) int64) []int64 {
	if v := in.values[name]; v != nil {
		return v
	}
	v := make([]int64, in.b*in.t)
	for i := range v {
		v[i] = otherwise(i % in.t)
	}
	return v
}

// inputs are the bytes of every input that a model may want.
func (in *batch) inputs() map[string][]byte {
	zero := func(int) int64 { return 0 }
	n := in.b * in.t
	mask := in.of("attention_mask", func(int) int64 { return 1 })
	first, last, pick := make([]int64, in.b), make([]int64, in.b), make([]int64, n)
	for i := range pick {
		pick[i] = int64(i)
		if mask[i] != 0 {
			last[i/in.t] = int64(i)
		}
	}
	for i := range first {
		first[i] = int64(i * in.t)
	}
	return map[string][]byte{
		"input_ids": words(in.values["input_ids"]), "attention_mask": words(mask), "token_type_ids": words(in.of("token_type_ids", zero)),
		"position_ids": words(in.of("position_ids", func(t int) int64 { return int64(t) })), "first_token": words(first), "last_token": words(last),
		"pick": words(pick), "seed": make([]byte, 16),
	}
}

func words(v []int64) []byte {
	out := make([]byte, 0, 4*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, uint32(x))
	}
	return out
}

func floats(raw []byte) []float32 {
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// write writes the batch with its logits: [B, T, outputs], or [B, outputs] of a head that answers for whole texts.
func (in *batch) write(path string, logits []float32, task model.Task) error {
	shape := []int{in.b, in.t, len(logits) / (in.b * in.t)}
	if task == model.Classify || task == model.Regress {
		shape = []int{in.b, len(logits) / in.b}
	}
	out := []safetensors.Out{safetensors.FromFloat32("logits", safetensors.F32, shape, logits)}
	for name, v := range in.values {
		raw := make([]byte, 0, 8*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
		}
		out = append(out, safetensors.Copy(safetensors.Tensor{Name: name, DType: safetensors.I64, Shape: []int{in.b, in.t}, Data: raw}))
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := safetensors.Write(f, out, nil); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
