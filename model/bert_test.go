package model

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
	"luthier/graph"
	"luthier/internal/golden"
	"luthier/model/safetensors"
)

// decoderLogits are those of bert_mlm with is_decoder on its golden batch, four of a token, as transformers 5.23 computes them.
var decoderLogits = map[[2]int][]float32{
	{0, 0}: {1.3325468301773071, -0.5504156351089478, -0.3525863587856293, 1.193819284439087},
	{0, 3}: {1.355438232421875, -0.692969024181366, -0.3574026823043823, 1.3197757005691528},
	{1, 2}: {2.0051422119140625, -0.4610385298728943, -0.5166134834289551, 1.2073124647140503},
}

// A BERT that is a decoder sees the tokens before each one and none behind it.
func TestBERTDecoder(t *testing.T) {
	same := func(x safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{x} }
	w := opened(t, variant(t, "bert_mlm", same, `"is_decoder": false`, `"is_decoder": true`))
	require.True(t, w.config.IsDecoder)
	in, b, n := golden.Open(t, filepath.Join("testdata", "bert_mlm")).Inputs(string(MaskedLM), "")
	g := graph.New()
	y, err := NewBuilder(g, w.config, w, None{}, b, n).Logits(b * n)
	require.NoError(t, err)
	g.Output(y)
	p, store := compile(t, g, ref.New(), w, in)
	defer store.Close()
	require.NoError(t, p.Run(context.Background()))
	have := read(t, p, y)
	for at, want := range decoderLogits {
		from := (at[0]*n + at[1]) * w.config.Vocab
		golden.Near(t, "logits", want, have[from:from+4], 1e-5)
	}
}
