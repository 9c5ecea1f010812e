// Command nano makes what the bundled model is pretrained from: the corpus, its tokenizer, and a Llama-type model of random weights in
// Hugging Face layout. `make nano` then trains that model with luthier itself.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"luthier/data"
	"luthier/internal/atomicfile"
	"luthier/internal/nano"
	"luthier/model/safetensors"
)

// The bundled model's shape.
const (
	vocab, hidden, layers, heads, kvHeads, ffn, positions = 1536, 128, 5, 4, 2, 384, 256
)

func main() {
	out := pflag.String("out", "out/nano-start", "directory for the corpus and the start model")
	seed := pflag.Uint64("seed", nano.DefaultSeed, "seed of the random weights")
	pflag.Parse()
	if err := run(*out, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "nano:", err)
		os.Exit(1)
	}
}

func run(out string, seed uint64) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := nano.WriteCorpus(out); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(out, "corpus.txt"))
	if err != nil {
		return err
	}
	defer f.Close()
	tok, err := data.TrainBPE(f, vocab, []string{"<pad>", "<s>", "</s>"})
	if err != nil {
		return err
	}
	if err := tok.Save(out, data.TokenRoles{BOS: "<s>", EOS: "</s>", Pad: "<pad>", MaxLength: positions}); err != nil {
		return err
	}
	if err := writeConfig(out); err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(out, "model.safetensors"), 0o644, func(w io.Writer) error {
		return safetensors.Write(w, weights(rand.New(rand.NewPCG(seed, 0))), nil)
	})
}

func writeConfig(out string) error {
	c := map[string]any{"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama", "vocab_size": vocab, "hidden_size": hidden,
		"num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kvHeads, "head_dim": hidden / heads,
		"intermediate_size": ffn, "max_position_embeddings": positions, "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
		"tie_word_embeddings": true, "attention_bias": false, "mlp_bias": false, "initializer_range": 0.02, "pad_token_id": 0,
		"bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "config.json"), append(raw, '\n'), 0o644)
}

// weights are the start values: N(0, 0.02^2), projections into the residual stream smaller by sqrt(2 layers), norms one.
func weights(r *rand.Rand) []safetensors.Out {
	var ts []safetensors.Out
	add := func(name string, std float64, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = 1
			if std > 0 {
				x[i] = float32(r.NormFloat64() * std)
			}
		}
		ts = append(ts, safetensors.FromFloat32(name, safetensors.F32, shape, x))
	}
	const std, d, kv = 0.02, hidden, hidden / heads * kvHeads
	into := std / 3.16
	add("model.embed_tokens.weight", std, vocab, d)
	for i := range layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		add(p+"input_layernorm.weight", 0, d)
		add(p+"self_attn.q_proj.weight", std, d, d)
		add(p+"self_attn.k_proj.weight", std, kv, d)
		add(p+"self_attn.v_proj.weight", std, kv, d)
		add(p+"self_attn.o_proj.weight", into, d, d)
		add(p+"post_attention_layernorm.weight", 0, d)
		add(p+"mlp.gate_proj.weight", std, ffn, d)
		add(p+"mlp.up_proj.weight", std, ffn, d)
		add(p+"mlp.down_proj.weight", into, d, ffn)
	}
	add("model.norm.weight", 0, d)
	return ts
}
