package model

import (
	"bytes"
	"slices"
	"strings"

	"luthier/model/safetensors"
)

// legacy are the endings that checkpoints from TensorFlow's days have for those of today; transformers renames them too.
var legacy = map[string]string{"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

// modern is the name of today for a checkpoint's.
func modern(name string) string {
	for now, old := range legacy {
		if head, ok := strings.CutSuffix(name, old); ok {
			return head + now
		}
	}
	return name
}

// find looks for a weight in the checkpoint: by its name, without the prefix that a bare base model's file lacks, by the name of old; a tied
// weight by that of its twin where the file has one of the two alone.
func (w *Weights) find(name string) (safetensors.Tensor, bool) {
	if !w.config.TiedHead() && name == w.spec.HeadBias {
		if t, ok := w.findOwn(w.decoderBias()); ok {
			return t, true
		}
	}
	if t, ok := w.findOwn(name); ok || !w.config.TiedHead() {
		return t, ok
	}
	switch name {
	case w.spec.HeadWeight:
		return w.findOwn(w.spec.Table)
	case w.spec.Table:
		return w.findOwn(w.spec.HeadWeight)
	}
	return safetensors.Tensor{}, false
}

// findOwn is find without the twin.
func (w *Weights) findOwn(name string) (safetensors.Tensor, bool) {
	if w.file == nil {
		return safetensors.Tensor{}, false
	}
	names := []string{name}
	if short, ok := strings.CutPrefix(name, w.spec.Prefix); ok {
		names = append(names, short)
	}
	for now, old := range legacy {
		if head, ok := strings.CutSuffix(name, now); ok {
			short, _ := strings.CutPrefix(head, w.spec.Prefix)
			names = append(names, head+old, short+old)
		}
	}
	for _, n := range names {
		if t, ok := w.file.Tensor(n); ok {
			return t, true
		}
	}
	return safetensors.Tensor{}, false
}

// decoderBias is the bias of a vocabulary head that is not tied.
func (w *Weights) decoderBias() string {
	return strings.TrimSuffix(w.spec.HeadWeight, "weight") + "bias"
}

// borrows tells whether the tensor of that name in the file is the twin's, not the weight's own.
func (w *Weights) borrows(name, inFile string) bool {
	t, own := w.findOwn(name)
	return !own || t.Name != inFile
}

// settleTie decides whether the vocabulary head is the embedding, as transformers does: what config.json says, but not where the file holds
// both and they differ. Configs may leave it out, and transformers' default differs by architecture: then the file knows.
func (w *Weights) settleTie() {
	c := w.config
	head, hasHead := w.findOwn(w.spec.HeadWeight)
	table, hasTable := w.findOwn(w.spec.Table)
	tied := !hasHead || !w.spec.Decoder
	if c.Tied != nil {
		tied = *c.Tied
	}
	if tied && hasHead && hasTable {
		same := false
		err := safetensors.Guard(head.File, func() error { same = head.DType == table.DType && bytes.Equal(head.Data, table.Data); return nil })
		tied = same || err != nil // a fault of the file is found again by who reads the values
	}
	c.Tied = &tied
}

// Checkpoint are the values of a weight as the model directory has them, with its shape.
func (w *Weights) Checkpoint(name string) (x []float32, shape []int, err error) {
	t, ok := w.find(name)
	if !ok {
		return nil, nil, nil
	}
	x = make([]float32, t.Elems())
	return x, t.Shape, t.Float32(x)
}

// Rebase has other values stand for a weight of the checkpoint that is not trained, and for the one tied to it.
func (w *Weights) Rebase(name string, x []float32) {
	twins := []string{w.spec.Table, w.spec.HeadWeight}
	if !w.config.TiedHead() || !slices.Contains(twins, name) {
		twins = []string{name}
	}
	for _, n := range twins {
		w.rebased[n] = x
	}
}
