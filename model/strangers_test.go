package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
)

// with is testdata/dir with tensors added to its file, each a copy of another.
func with(t *testing.T, dir, of string, names []string, config ...string) string {
	return variant(t, dir, func(x safetensors.Tensor) []safetensors.Tensor {
		out := []safetensors.Tensor{x}
		if x.Name == of {
			for _, n := range names {
				out = append(out, as(x, n))
			}
		}
		return out
	}, config...)
}

// Buffers and heads of other tasks are usual; biases that the config says are not there, or layers beyond its number, are not.
func TestStrangers(t *testing.T) {
	for _, dir := range []string{"bert_mlm", "bert_seqcls", "bert_tokcls", "bert_regression", "llama_tied", "llama_untied", "llama_seqcls", "llama_tokcls"} {
		require.Empty(t, opened(t, "testdata/"+dir).Strangers(), dir)
	}
	const norm, bias = "model.norm.weight", "bert.embeddings.LayerNorm.bias"
	usual := with(t, "bert_mlm", bias, []string{"bert.embeddings.position_ids", "embeddings.token_type_ids", "bert.pooler.dense.bias", "pooler.dense.weight",
		"cls.seq_relationship.bias", "classifier.bias", "qa_outputs.bias", "cls.predictions.decoder.bias"})
	require.Empty(t, opened(t, usual).Strangers())
	usual = with(t, "llama_tied", norm, []string{"model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq", "lm_head.weight", "score.weight", "qa_outputs.bias"})
	require.Empty(t, opened(t, usual).Strangers())

	odd := []string{"model.layers.0.self_attn.q_norm.weight", "model.layers.0.self_attn.q_proj.bias"}
	require.Equal(t, odd, opened(t, with(t, "llama_tied", norm, odd)).Strangers())
	rest := opened(t, with(t, "bert_seqcls", bias, nil, `"num_hidden_layers": 2`, `"num_hidden_layers": 1`)).Strangers()
	require.Len(t, rest, 16)
	for _, name := range rest {
		require.Contains(t, name, "bert.encoder.layer.1.")
	}
}
