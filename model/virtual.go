package model

import (
	"fmt"

	"luthier/backend"
)

// Virtual is a checkpoint that declares every weight of the config and holds none: for plans of models that are not on disk. storage is the
// type of its matrices, backend.F32 or backend.BF16. Heads of classes are not in it, as in the checkpoint of a base model. Where the config
// does not say whether the vocabulary head is tied, transformers' default for the architecture holds: a decoder's is not.
func Virtual(c *Config, storage backend.DType) *Weights {
	w := newWeights(c)
	w.virtual = &storage
	if c.Tied == nil {
		tied := !w.spec.Decoder
		c.Tied = &tied
	}
	return w
}

// declareVirtual is declare where there is no file.
func (w *Weights) declareVirtual(name string, trains bool, dims []int) (backend.DType, error) {
	if w.isHead(name) {
		w.started[name] = true
		return backend.F32, nil
	}
	if *w.virtual == backend.BF16 && w.narrow(trains, dims) {
		return backend.BF16, nil
	}
	return backend.F32, nil
}

// narrow tells whether a bf16 matrix of the checkpoint stays bf16 on the device.
func (w *Weights) narrow(trains bool, dims []int) bool {
	return (!trains || w.KeepType) && len(dims) == 2 && dims[0]%4 == 0 && dims[1]%4 == 0
}

func (w *Weights) noValues(name string) error {
	return fmt.Errorf("%s: a model of shapes only has no values for %s", w.config.File, name)
}
