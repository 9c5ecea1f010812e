package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend"
	"luthier/backend/webgpu"
	"luthier/data"
)

// tinyModel writes a model of random weights with a byte-level tokenizer.
func tinyModel(t *testing.T, kind string) string {
	t.Helper()
	dir := t.TempDir()
	p := preset{name: kind, config: map[string]any{"model_type": kind, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
		"num_key_value_heads": 2, "intermediate_size": 32, "vocab_size": 300, "max_position_embeddings": 64, "hidden_act": "gelu",
		"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}}
	if kind == "llama" {
		p.config["hidden_act"] = "silu"
		p.config["pad_token_id"] = 0
	}
	require.NoError(t, p.write(dir))
	tok, err := data.TrainBPE(strings.NewReader(strings.Repeat("the good wood and the bad wood sing. ", 20)), 300, []string{"<pad>", "<eos>"})
	require.NoError(t, err)
	require.NoError(t, tok.Save(dir, data.TokenRoles{Pad: "<pad>", EOS: "<eos>"}))
	return dir
}

// tinyLabels writes rows that a single word decides.
func tinyLabels(t *testing.T, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("text\tlabel\n")
	for i := range rows {
		word, label := "good", "positive"
		if i%2 == 1 {
			word, label = "bad", "negative"
		}
		fmt.Fprintf(&b, "%s wood number %d\t%s\n", word, i, label)
	}
	path := filepath.Join(t.TempDir(), "rows.tsv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	return path
}

// luthier runs a command line in this process, on the float64 device.
func luthier(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	return luthierIn(t, "", args...)
}

func luthierIn(t *testing.T, in string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	if len(args) > 0 && args[0] != "version" {
		args = append(args, "--device", "float64")
	}
	code = run(context.Background(), args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

// adapter is the --device of tests that want a real one: what LUTHIER_DEVICE names, or any. Without one the test is skipped; with
// REQUIRE_GPU=1 it fails.
func adapter(t *testing.T) string {
	t.Helper()
	name := os.Getenv("LUTHIER_DEVICE")
	d, err := webgpu.Open(name, webgpu.Options{})
	if errors.Is(err, backend.ErrNoAdapter) && os.Getenv("REQUIRE_GPU") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
	require.NoError(t, d.Close())
	return cmp.Or(name, "auto")
}
