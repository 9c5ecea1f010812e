package peft

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/internal/golden"
	"luthier/internal/testdev"
	"luthier/model"
)

// interop are the adapters of the assets that PEFT wrote.
var interop = []struct {
	base, adapter string
	task          model.Task
	labels        int
}{
	{"interop/llama/base", "interop/llama/lora", model.CausalLM, 0},
	{"interop/llama/base", "interop/llama/lora_all_rslora", model.CausalLM, 0},
	{"interop/bert/base", "interop/bert/lora", model.Classify, 3},
	{"interop/bert/base", "interop/bert/lora_all_rslora", model.Classify, 3},
}

// Adapters that PEFT wrote load here with its logits, loss and gradients.
func TestInteropLoRA(t *testing.T) {
	for _, c := range interop {
		t.Run(c.adapter, func(t *testing.T) {
			checkInterop(t, refDevice(), 1, assets(t, c.base), assets(t, c.adapter), c.task, c.labels)
		})
	}
}

// The same on the adapter, in float32.
func TestInteropLoRADevice(t *testing.T) {
	dev := testdev.Open(t, webgpu.Options{})
	for _, c := range interop {
		t.Run(c.adapter, func(t *testing.T) {
			checkInterop(t, dev, 10, assets(t, c.base), assets(t, c.adapter), c.task, c.labels)
		})
	}
}

// The same for the adapters that scripts/golden.py makes, which are there without the assets.
func TestGoldenLoRA(t *testing.T) {
	dir := filepath.Join("..", "model", "testdata")
	t.Run("llama_tied", func(t *testing.T) {
		checkInterop(t, refDevice(), 1, filepath.Join(dir, "llama_tied"), filepath.Join(dir, "llama_tied", "lora"), model.CausalLM, 0)
	})
	t.Run("bert_seqcls", func(t *testing.T) {
		checkInterop(t, refDevice(), 1, filepath.Join(dir, "bert_seqcls"), filepath.Join(dir, "bert_seqcls", "lora"), model.Classify, 3)
	})
}

// checkInterop compares on dev, within slack times what the float64 device is held to.
func checkInterop(t *testing.T, dev backend.Device, slack float64, base, adapter string, task model.Task, labels int) {
	gold := golden.Open(t, adapter)
	m, tensors, err := Load(adapter)
	require.NoError(t, err)
	r := newRun(t, base, gold, m, task, labels).give(tensors).build(dev)
	golden.Near(t, "loss", gold.Floats("loss"), r.read(r.out.Loss), 1e-5*slack)
	require.Len(t, r.params, len(tensors))
	for i, p := range r.params {
		name := torchName(p.Leaf().Name, gold)
		golden.Near(t, name, gold.Floats(name), r.read(r.grads[i]), 1e-4*slack)
	}
	golden.Near(t, "logits", gold.Floats("logits"), r.logits(dev), 1e-5*slack)
}

// Adapters of methods that are not there yet are refused by name, with what can be read.
func TestInteropOtherMethods(t *testing.T) {
	for dir, peftType := range map[string]string{"ia3": "IA3", "prefix": "PREFIX_TUNING", "prompt": "PROMPT_TUNING", "ln_tuning": "LN_TUNING"} {
		for _, arch := range []string{"llama", "bert"} {
			_, _, err := Load(assets(t, filepath.Join("interop", arch, dir)))
			if err == nil {
				continue // the method has come
			}
			require.ErrorContains(t, err, "peft_type "+peftType+" is not supported: luthier reads adapters of type LORA")
			require.ErrorContains(t, err, "adapter_config.json")
		}
	}
}
