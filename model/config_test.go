package model

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a config of the architecture with other keys behind.
func small(t *testing.T, kind, more string) (*Config, error) {
	t.Helper()
	act := map[string]string{"bert": "gelu", "llama": "silu"}[kind]
	return ParseConfig(fmt.Appendf(nil, `{"model_type": %q, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 32,
		"max_position_embeddings": 64, "hidden_act": %q%s}`, kind, act, more), "config.json")
}

// BertConfig of transformers has dropout 0.1 in both places where config.json names none; LlamaConfig has none.
func TestDropoutDefaults(t *testing.T) {
	for more, want := range map[string][2]float64{"": {0.1, 0.1}, `, "hidden_dropout_prob": 0.0`: {0, 0.1},
		`, "hidden_dropout_prob": 0.25, "attention_probs_dropout_prob": 0`: {0.25, 0}} {
		c, err := small(t, "bert", more)
		require.NoError(t, err)
		require.Equal(t, want, [2]float64{c.HiddenDropout, c.AttentionDrop()}, more)
	}
	c, err := small(t, "llama", "")
	require.NoError(t, err)
	require.Zero(t, c.AttentionDrop())
}

// What transformers 5.23 reads of configs with more than one rotary part; the values are those of its config.rope_parameters.
func TestRopeParts(t *testing.T) {
	const llama3 = `"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0`
	params := `, "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500000.0}`
	for more, want := range map[string]Rope{
		params + `, "rope_scaling": {"type": "linear", "factor": 2.0}, "rope_theta": 300.0`: {Type: "linear", OldType: "linear", Factor: 2, Theta: 300},
		params + `, "rope_scaling": {"type": "linear", "factor": 2.0}`:                      {Type: "linear", OldType: "linear", Factor: 2, Theta: 10000},
		params + `, "rope_scaling": {}`:                                                     {Type: "linear", Factor: 4, Theta: 500000},
		params + `, "rope_scaling": null, "rope_theta": 300.0`:                              {Type: "linear", Factor: 4, Theta: 500000},
		`, "rope_scaling": {` + llama3 + `, "original_max_position_embeddings": 32}, "original_max_position_embeddings": 16`: {Type: "llama3", Factor: 8, LowFreq: 1,
			HighFreq: 4, OriginalMax: 32, Theta: 10000},
		`, "rope_scaling": {` + llama3 + `}`: {Type: "llama3", Factor: 8, LowFreq: 1, HighFreq: 4, OriginalMax: 64, Theta: 10000},
	} {
		c, err := small(t, "llama", more)
		require.NoError(t, err)
		have := c.rope()
		if want.Type != "llama3" { // nobody reads it
			have.OriginalMax = 0
		}
		require.Equal(t, want, have, more)
	}
	c, err := small(t, "llama", params+`, "rope_scaling": {"type": "linear", "factor": 2.0}`)
	require.NoError(t, err)
	require.InDelta(t, math.Cos(1.5), c.ropeTable(4)[3*8], 1e-7, "the angle of position 3 is halved")
}

// Scores by distance were computed by older transformers only.
func TestPositionType(t *testing.T) {
	for _, kind := range []string{"relative_key", "relative_key_query"} {
		_, err := small(t, "bert", fmt.Sprintf(`, "position_embedding_type": %q`, kind))
		require.ErrorContains(t, err, fmt.Sprintf("config.json: position_embedding_type %q is not supported", kind))
	}
	_, err := small(t, "bert", `, "position_embedding_type": "absolute"`)
	require.NoError(t, err)
}
