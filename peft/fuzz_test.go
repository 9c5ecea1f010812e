package peft

import (
	"encoding/json"
	"testing"

	"luthier/internal/fuzzcheck"
	"luthier/model"
)

// FuzzAdapterConfig: any adapter_config.json is refused, or gives a method that answers for each module of a model and writes a config
// that is read again.
func FuzzAdapterConfig(f *testing.F) {
	f.Add([]byte(`{"peft_type":"LORA","task_type":"SEQ_CLS","r":8,"lora_alpha":16,"lora_dropout":0.1,"target_modules":["q_proj","v_proj"],"modules_to_save":["score"],"bias":"lora_only","rank_pattern":{"layers.0.*":4},"alpha_pattern":{},"use_rslora":true}`))
	f.Add([]byte(`{"peft_type":"LORA","r":4,"target_modules":"all-linear","layers_to_transform":[0],"layers_pattern":"layers"}`))
	f.Add([]byte(`{"peft_type":"LORA","r":-1,"target_modules":".*(q|v)_proj$","use_dora":true}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fuzzcheck.Bounded(t, len(raw), func() {
			m, err := ParseConfig(raw, ConfigFile)
			if err != nil {
				return
			}
			again, err := json.Marshal(m.Config())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseConfig(again, ConfigFile); err != nil {
				t.Fatalf("%s: %v", again, err)
			}
			_ = m.Setup(&model.Config{ModelType: "llama", Layers: 2, HiddenSize: 64}, model.CausalLM)
			for _, name := range []string{"model.layers.0.self_attn.q_proj.weight", "score.weight", "bias", ""} {
				m.Trains(name)
				if l, ok := m.(*LoRA); ok {
					_, _, _ = l.scale(name)
					l.Targets.Match(name, false)
				}
			}
		})
	})
}
