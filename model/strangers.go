package model

import (
	"slices"
	"strings"

	"luthier/graph"
)

// buffers are endings of what older versions of transformers saved along with the weights, and which follows from the config.
var buffers = []string{"position_ids", "token_type_ids", "rotary_emb.inv_freq", "masked_bias"}

// otherHeads are modules above the base model for tasks that luthier does not have, or has under another architecture.
var otherHeads = []string{"classifier", "score", "qa_outputs", "cls", "pooler", "lm_head"}

// Strangers lists the tensors of the checkpoint that no task of the architecture asks for, sorted, without the buffers and heads that
// checkpoints usually carry: with them the model would compute something else than what the config describes.
func (w *Weights) Strangers() []string {
	if w.file == nil {
		return nil
	}
	asked := newWeights(w.config) // of its own, so that the build that counts starts afresh
	asked.file, asked.Positions = w.file, 1
	for task := range w.spec.Classes {
		_, _ = NewBuilder(graph.New(), w.config, asked, nil, 1, 4).Loss(task, 1, 0) // what is wrong the real build says
	}
	return slices.DeleteFunc(asked.Unused(), func(name string) bool {
		full, _ := strings.CutPrefix(name, w.spec.Prefix)
		return w.ordinary(full)
	})
}

// ordinary tells whether a tensor, named without the prefix, is one that checkpoints usually have beside the model.
func (w *Weights) ordinary(name string) bool {
	head := func(module string) bool { return strings.HasPrefix(name, module+".") }
	return w.isHead(w.spec.Prefix+name) || slices.ContainsFunc(otherHeads, head) ||
		slices.ContainsFunc(buffers, func(b string) bool { return strings.HasSuffix("."+name, "."+b) })
}
