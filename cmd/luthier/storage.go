package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"luthier/model"
	"luthier/model/safetensors"
	"luthier/peft"
	"luthier/zeroth"
)

// storage is the type that a whole model is written in: what --save-dtype says, empty for each weight as the base model has it.
func (j *job) storage() string {
	if f, ok := j.method.(*peft.Full); ok {
		return f.Storage()
	}
	return ""
}

// storageLine tells of weights that are trained in f32 and written with fewer bits, or in another type than the base model's. It is empty
// where what is written is what was trained: of forward passes, whose weights keep their type, and of adapters.
func (j *job) storageLine(s *trainSettings, shapes map[string][]int) string {
	if _, forward := zeroth.VariantOf(optimName(s.optim)); forward || j.method.Config() != nil {
		return ""
	}
	stored := map[string]bool{}
	for name := range shapes {
		if t := j.src.weights.Stored(name); t != "" && t != safetensors.F32 {
			stored[strings.ToLower(t)] = true
		}
	}
	base := strings.Join(slices.Sorted(maps.Keys(stored)), " and ")
	switch to := strings.ToLower(j.storage()); {
	case to == "" && base != "":
		return fmt.Sprintf("trained in f32 and written as %s, as the base model has them (--save-dtype f32 writes what was trained)", base)
	case to == "f32" && base != "":
		return fmt.Sprintf("trained in f32 and written so; the base model has %s", base)
	case to == "" || to == "f32":
		return ""
	default:
		return fmt.Sprintf("trained in f32 and written as %s (--save-dtype)", to)
	}
}

// checkStorage refuses --save-dtype where a log must give the same files again.
func (s *trainSettings) checkStorage(variant string) error {
	if s.flags.Changed("save-dtype") {
		return usage("--save-dtype: %s writes the weights as it trained them, so that the log gives them again; luthier merge --dtype changes their type", variant)
	}
	return nil
}

// dtypeFlag reads merge's --dtype.
func dtypeFlag(name string) (string, error) {
	d, ok := model.StorageType(name)
	if !ok {
		return "", usage("--dtype %q: want f32, bf16 or f16", name)
	}
	return d, nil
}
