package model

import (
	"strings"

	"luthier/graph"
	"luthier/model/safetensors"
)

// torchNames are the storage types of weights by torch's names for them, as config.json has them.
var torchNames = map[string]string{safetensors.F64: "float64", safetensors.F32: "float32", safetensors.F16: "float16", safetensors.BF16: "bfloat16"}

// StorageType reads the name of a type that weights can be written in: f32, bf16, f16, or torch's names. Empty stays empty: as the base
// model has it.
func StorageType(name string) (dtype string, ok bool) {
	switch name = strings.ToLower(name); name {
	case "":
		return "", true
	case "f32", "bf16", "f16":
		return strings.ToUpper(name), true
	}
	for _, d := range []string{safetensors.F32, safetensors.BF16, safetensors.F16} {
		if torchNames[d] == name {
			return d, true
		}
	}
	return "", false
}

// MainType is the type that most values of a model have; empty where it has none.
func MainType(tensors []safetensors.Out) (dtype string) {
	n := map[string]int{}
	for _, t := range tensors {
		n[t.DType] += graph.Shape(t.Shape).Elems()
		if t.DType != dtype && n[t.DType] > n[dtype] {
			dtype = t.DType
		}
	}
	return dtype
}

// Stored is the type of a weight in the checkpoint, empty where it is not there.
func (w *Weights) Stored(name string) string {
	t, ok := w.find(name)
	if !ok {
		return ""
	}
	return t.DType
}

// setType has a config.json say what type its weights have, under the key that it uses: transformers reads them in that type. A config that
// says nothing is left so for float32.
func setType(config map[string]any, dtype string) {
	name, ok := torchNames[dtype]
	if !ok {
		return
	}
	said := false
	for _, key := range []string{"torch_dtype", "dtype"} {
		if _, has := config[key]; has {
			config[key], said = name, true
		}
	}
	if !said && dtype != safetensors.F32 {
		config["dtype"] = name
	}
}
