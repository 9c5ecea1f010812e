package peft

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/internal/golden"
	"luthier/model"
)

// Adapters that PEFT wrote load here with its logits, loss and gradients.
func TestInteropLoRA(t *testing.T) {
	for _, c := range []struct {
		base, adapter string
		task          model.Task
		labels        int
	}{
		{"interop/llama/base", "interop/llama/lora", model.CausalLM, 0},
		{"interop/llama/base", "interop/llama/lora_all_rslora", model.CausalLM, 0},
		{"interop/bert/base", "interop/bert/lora", model.Classify, 3},
		{"interop/bert/base", "interop/bert/lora_all_rslora", model.Classify, 3},
	} {
		t.Run(c.adapter, func(t *testing.T) { checkInterop(t, assets(t, c.base), assets(t, c.adapter), c.task, c.labels) })
	}
}

// The same for the adapters that scripts/golden.py makes, which are there without the assets.
func TestGoldenLoRA(t *testing.T) {
	dir := filepath.Join("..", "model", "testdata")
	t.Run("llama_tied", func(t *testing.T) {
		checkInterop(t, filepath.Join(dir, "llama_tied"), filepath.Join(dir, "llama_tied", "lora"), model.CausalLM, 0)
	})
	t.Run("bert_seqcls", func(t *testing.T) {
		checkInterop(t, filepath.Join(dir, "bert_seqcls"), filepath.Join(dir, "bert_seqcls", "lora"), model.Classify, 3)
	})
}

func checkInterop(t *testing.T, base, adapter string, task model.Task, labels int) {
	gold := golden.Open(t, adapter)
	m, tensors, err := Load(adapter)
	require.NoError(t, err)
	r := newRun(t, base, gold, m, task, labels).give(tensors).build(refDevice())
	golden.Near(t, "loss", gold.Floats("loss"), r.read(r.out.Loss), 1e-5)
	require.Len(t, r.params, len(tensors))
	for i, p := range r.params {
		name := torchName(p.Leaf().Name, gold)
		golden.Near(t, name, gold.Floats(name), r.read(r.grads[i]), 1e-4)
	}
	golden.Near(t, "logits", gold.Floats("logits"), r.logits(refDevice()), 1e-5)
}
