package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
)

// The config says the type that the weights beside it have, under the key it uses; one that says nothing stays so for float32.
func TestConfigSaysType(t *testing.T) {
	for config, want := range map[string]map[string]any{
		`"torch_dtype": "bfloat16"`:                     {safetensors.F32: "float32", safetensors.F16: "float16", "I8": "bfloat16"},
		`"dtype": "float32"`:                            {safetensors.BF16: "bfloat16", safetensors.F64: "float64"},
		`"torch_dtype": null`:                           {safetensors.BF16: "bfloat16"},
		`"dtype": "float16", "torch_dtype": "bfloat16"`: {safetensors.F32: "float32"},
		`"eos_token_id": 2`:                             {safetensors.F32: nil, safetensors.BF16: "bfloat16"},
	} {
		for dtype, name := range want {
			dir, out := t.TempDir(), t.TempDir()
			raw := `{"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 8, "max_position_embeddings": 8, "hidden_act": "silu", ` + config + `}`
			require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(raw), 0o666))
			c, err := ReadConfig(dir)
			require.NoError(t, err)
			require.NoError(t, WriteConfig(c, out, CausalLM, nil, false, dtype))
			var before, after map[string]any
			require.NoError(t, json.Unmarshal([]byte(raw), &before))
			text, err := os.ReadFile(filepath.Join(out, "config.json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(text, &after))
			said := false
			for _, key := range []string{"torch_dtype", "dtype"} {
				if _, had := before[key]; had {
					require.Equal(t, name, after[key], "%s %s", config, dtype)
					said = true
				}
			}
			if !said {
				require.Equal(t, name, after["dtype"], "%s %s", config, dtype)
				require.NotContains(t, after, "torch_dtype")
			}
		}
	}
}

func TestMainType(t *testing.T) {
	of := func(dtype string, n int) safetensors.Out { return safetensors.Out{DType: dtype, Shape: []int{n, 2}} }
	require.Equal(t, safetensors.BF16, MainType([]safetensors.Out{of("F32", 3), of("BF16", 2), of("BF16", 2)}))
	require.Equal(t, safetensors.F32, MainType([]safetensors.Out{of("F32", 5), of("BF16", 2), of("BF16", 2)}))
	require.Empty(t, MainType(nil))
}
