package safetensors

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assets is the folder of real weights beside the checkout.
func assets(t *testing.T, path ...string) string {
	t.Helper()
	root, set := os.LookupEnv("LUTHIER_ASSETS")
	if !set {
		root = filepath.Join("..", "..", "..", "shared", "assets")
	}
	full := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(full); err != nil {
		if set {
			t.Fatalf("LUTHIER_ASSETS=%s: %v", root, err)
		}
		t.Skipf("no assets beside the checkout: %v", err)
	}
	return full
}

func TestGoldenStories260K(t *testing.T) {
	dir := assets(t, "models", "stories260K")
	var config struct {
		Hidden int `json:"hidden_size"`
		Vocab  int `json:"vocab_size"`
		Layers int `json:"num_hidden_layers"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &config))
	m, err := OpenModel(dir)
	require.NoError(t, err)
	defer m.Close()
	embed, ok := m.Tensor("model.embed_tokens.weight")
	require.True(t, ok)
	assert.Equal(t, []int{config.Vocab, config.Hidden}, embed.Shape)
	params := 0
	for _, name := range m.Names() {
		a, _ := m.Tensor(name)
		params += a.Elems()
		_, found := FirstNonFinite(a)
		assert.False(t, found, name)
	}
	assert.Equal(t, 260_032, params, "the model's name: 260 thousand parameters, embeddings tied")
	// llama2.c's original begins with seven int32 and then this very table, in f32.
	original, err := os.ReadFile(filepath.Join(dir, "stories260K.bin"))
	require.NoError(t, err)
	values := make([]float32, embed.Elems())
	require.NoError(t, embed.Float32(values))
	want := make([]float32, embed.Elems())
	require.NoError(t, Tensor{DType: F32, Shape: embed.Shape, Data: original[28 : 28+4*len(want)]}.Float32(want))
	assert.Equal(t, want, values)
}

// What PEFT and transformers wrote is read, and written again by us is the same file byte for byte.
func TestGoldenInterop(t *testing.T) {
	root := assets(t, "interop")
	files, err := filepath.Glob(filepath.Join(root, "*", "*", "*.safetensors"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		f, err := Open(path)
		require.NoError(t, err)
		var out []Out
		for _, name := range f.Names() {
			a, _ := f.Tensor(name)
			out = append(out, Copy(a))
		}
		metadata := f.Metadata()
		if metadata == nil {
			metadata = map[string]string{}
		}
		var b bytes.Buffer
		require.NoError(t, Write(&b, out, metadata), path)
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, b.Bytes()), "%s: written again it differs", path)
		require.NoError(t, f.Close())
	}
	t.Logf("%d files", len(files))
}
