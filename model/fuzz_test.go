package model

import (
	"testing"

	"luthier/internal/fuzzcheck"
)

// FuzzConfig: any config.json is refused, or its sizes are such that a model can be planned with them.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"model_type":"llama","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":172,"vocab_size":512,"max_position_embeddings":512,"rms_norm_eps":1e-5,"hidden_act":"silu","rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":128},"eos_token_id":[1,2],"tie_word_embeddings":true}`))
	f.Add([]byte(`{"model_type":"bert","hidden_size":32,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":64,"vocab_size":99,"max_position_embeddings":64,"hidden_act":"gelu","id2label":{"0":"a","1":"b"},"label2id":{"a":0}}`))
	f.Add([]byte(`{"model_type":"bert","hidden_size":16777216,"num_hidden_layers":16777216,"num_attention_heads":1,"head_dim":-2,"id2label":{"-1":"x","9999999999":"y"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fuzzcheck.Bounded(t, len(raw), func() {
			c, err := ParseConfig(raw, "config.json")
			if err != nil {
				return
			}
			for _, n := range []int{c.HiddenSize, c.Layers, c.Heads, c.KVHeads, c.HeadDim, c.Intermediate, c.Vocab, c.MaxPositions} {
				if n <= 0 || n > maxDim {
					t.Fatalf("a size of %d in %+v", n, c)
				}
			}
			if c.Layers > maxLayers {
				t.Fatalf("%d layers", c.Layers)
			}
			if labels := c.Labels(); labels != nil && len(labels) != len(c.ID2Label) {
				t.Fatalf("%d labels of %d", len(labels), len(c.ID2Label))
			}
			c.TiedHead()
			c.AttentionDrop()
		})
	})
}
