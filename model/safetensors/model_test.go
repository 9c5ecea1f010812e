package safetensors

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func u8(name string, data ...byte) Out {
	return Out{Name: name, DType: U8, Shape: []int{len(data)}, Data: data}
}

func fileOf(t *testing.T, tensors ...Out) string { return string(written(t, tensors, nil)) }

func TestWriteModelRoundTrip(t *testing.T) {
	in := []Out{u8("c", 1, 2, 3), u8("a", 4, 5), u8("big", bytes.Repeat([]byte{9}, 50)...), u8("b", 6), u8("none")}
	cases := map[string]struct {
		max   int64
		files []string
	}{
		"one file": {0, []string{"model.safetensors"}},
		"exact":    {56, []string{"model.safetensors"}},
		"shards": {5, []string{"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
			"model-00003-of-00003.safetensors", "model.safetensors.index.json"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, WriteModel(dir, in, c.max))
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			var files []string
			for _, e := range entries {
				files = append(files, e.Name())
			}
			assert.Equal(t, c.files, files)
			m, err := OpenModel(dir)
			require.NoError(t, err)
			defer m.Close()
			assert.Equal(t, dir, m.Dir())
			assert.Equal(t, []string{"a", "b", "big", "c", "none"}, m.Names())
			for _, want := range in {
				got, ok := m.Tensor(want.Name)
				require.True(t, ok)
				assert.True(t, bytes.Equal(want.Data, got.Data))
			}
			_, ok := m.Tensor("absent")
			assert.False(t, ok)
			assert.ErrorContains(t, WriteModel(dir, in, c.max), "holds weights already")
		})
	}
	assert.ErrorContains(t, WriteModel(t.TempDir(), in, -1), "negative")
	assert.ErrorContains(t, WriteModel(t.TempDir(), []Out{u8("a", 1), u8("a", 2)}, 1), "given twice")
	assert.Error(t, WriteModel(filepath.Join(t.TempDir(), "none"), in, 0))
}

func TestWriteModelIndex(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, WriteModel(dir, []Out{u8("x", 1, 2), u8("y", 3)}, 2))
	var index struct {
		Metadata  map[string]int    `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	text, err := os.ReadFile(filepath.Join(dir, indexName))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &index))
	assert.Equal(t, map[string]int{"total_size": 3}, index.Metadata)
	assert.Equal(t, map[string]string{"x": "model-00001-of-00002.safetensors", "y": "model-00002-of-00002.safetensors"}, index.WeightMap)
}

func TestOpenModelFaults(t *testing.T) {
	a, b := fileOf(t, u8("a", 1)), fileOf(t, u8("b", 1))
	index := func(weightMap string) string { return `{"metadata":{"total_size":2},"weight_map":` + weightMap + `}` }
	two := index(`{"a":"s1.safetensors","b":"s2.safetensors"}`)
	cases := map[string]struct {
		files map[string]string
		says  string
	}{
		"empty":             {nil, "has neither model.safetensors nor model.safetensors.index.json; give the directory of a model in Hugging Face layout"},
		"pickle only":       {map[string]string{"pytorch_model.bin": "x"}, "has only pytorch_model.bin, which is a pickle: reading it would run code from the file; convert it once with\n  cd "},
		"adapter":           {map[string]string{"adapter_model.safetensors": a}, "holds an adapter, not a model"},
		"other name":        {map[string]string{"weights.safetensors": a}, "has weights.safetensors but neither"},
		"damaged":           {map[string]string{singleName: a[:len(a)-1]}, "model.safetensors: the download is incomplete"},
		"missing shard":     {map[string]string{indexName: two, "s1.safetensors": a}, "1 of 2 shards are missing: s2.safetensors; the download is incomplete"},
		"cut shard":         {map[string]string{indexName: two, "s1.safetensors": a, "s2.safetensors": b[:9]}, "s2.safetensors: the download is incomplete"},
		"tensor not there":  {map[string]string{indexName: two, "s1.safetensors": a, "s2.safetensors": a}, `s2.safetensors: tensor "b": is in the index but not in this shard; index and shards are of different versions`},
		"ambiguous":         {map[string]string{indexName: two, "s1.safetensors": fileOf(t, u8("a", 1), u8("x", 1)), "s2.safetensors": fileOf(t, u8("b", 1), u8("x", 1))}, `tensor "x": is in s1.safetensors too, and not in the index`},
		"parent":            {map[string]string{indexName: index(`{"a":"../s1.safetensors"}`)}, `index.json: tensor "a": shard "../s1.safetensors" is not the name of a file beside the index`},
		"absolute":          {map[string]string{indexName: index(`{"a":"/etc/passwd"}`)}, `shard "/etc/passwd" is not the name`},
		"backslash":         {map[string]string{indexName: index(`{"a":"..\\s1"}`)}, "is not the name of a file beside"},
		"sub-directory":     {map[string]string{indexName: index(`{"a":"sub/s1"}`)}, "is not the name of a file beside"},
		"dot":               {map[string]string{indexName: index(`{"a":"."}`)}, "is not the name of a file beside"},
		"empty shard name":  {map[string]string{indexName: index(`{"a":""}`)}, "is not the name of a file beside"},
		"no weight_map":     {map[string]string{indexName: `{"metadata":{}}`}, "weight_map is missing or empty"},
		"index twice":       {map[string]string{indexName: index(`{"a":"s1","a":"s2"}`)}, `key "a" comes twice`},
		"index cut":         {map[string]string{indexName: two[:30]}, "index.json: invalid JSON: unexpected EOF; the file is damaged"},
		"index followed":    {map[string]string{indexName: two + "x"}, "something follows the JSON object"},
		"index is pointer":  {map[string]string{indexName: "version https://git-lfs.github.com/spec/v1\n"}, "is a Git LFS pointer"},
		"index not strings": {map[string]string{indexName: index(`{"a":1}`)}, `"a": want a string`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
			}
			m, err := OpenModel(dir)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, dir)
			assert.Nil(t, m)
		})
	}
	_, err := OpenModel(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	file := filepath.Join(t.TempDir(), singleName)
	require.NoError(t, os.WriteFile(file, []byte(a), 0o644))
	_, err = OpenModel(file)
	assert.ErrorContains(t, err, "is a file; give the directory")
}

// A tensor beside the index is listed, so that whoever knows the architecture can name it as unexpected.
func TestOpenModelShards(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		indexName:        `{"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}}`,
		"s1.safetensors": fileOf(t, u8("a", 1), u8("b", 7)), // a stale copy of b
		"s2.safetensors": fileOf(t, u8("b", 2), u8("extra", 3)),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
	}
	m, err := OpenModel(dir)
	require.NoError(t, err)
	defer m.Close()
	assert.Equal(t, []string{"a", "b", "extra"}, m.Names())
	b, _ := m.Tensor("b")
	assert.Equal(t, []byte{2}, b.Data, "the index decides")
	assert.Len(t, m.Files(), 2)
}

// The command that the message gives must be one that a shell and Python can parse.
func TestConvertCommand(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here to parse the command")
	}
	dir := filepath.Join(t.TempDir(), "it's a model")
	require.NoError(t, os.Mkdir(dir, 0o755))
	command := strings.Replace(convertCommand(dir), "python3 -c ", python+" -c 'import ast,sys; ast.parse(sys.argv[1])' ", 1)
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

func TestCloseAndUseAfter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	require.NoError(t, os.WriteFile(path, written(t, []Out{FromFloat32("a", F32, []int{4}, []float32{1, 2, 3, 4})}, nil), 0o644))
	f, err := Open(path)
	require.NoError(t, err)
	a, ok := f.Tensor("a")
	require.True(t, ok)
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	require.NoError(t, (*File)(nil).Close())
	require.NoError(t, (*Model)(nil).Close())
	_, ok = f.Tensor("a")
	assert.False(t, ok)
	_, err = f.Fingerprint()
	assert.ErrorContains(t, err, "is closed")
	assert.ErrorContains(t, a.Float32(make([]float32, 4)), "could not be read to its end")
	_, found := FirstNonFinite(a)
	assert.True(t, found, "what cannot be read is not called finite")
	assert.ErrorContains(t, Write(io.Discard, []Out{Copy(a)}, nil), "could not be read to its end")
}

func TestFileCutWhileOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not let a mapped file be cut")
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	require.NoError(t, os.WriteFile(path, written(t, []Out{FromFloat32("a", F32, []int{1 << 16}, make([]float32, 1<<16))}, nil), 0o644))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, os.Truncate(path, 4096))
	a, _ := f.Tensor("a")
	err = a.Float32(make([]float32, 1<<16))
	assert.ErrorContains(t, err, path+": could not be read to its end: it was changed, cut short")
	assert.PanicsWithValue(t, "ours", func() { _ = Guard(path, func() error { panic("ours") }) })
}

func TestFingerprint(t *testing.T) {
	data := make([]byte, 20000)
	print := func(edit func(path string, b []byte) []byte) string {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		b := written(t, []Out{u8("a", data...), u8("b", 1, 2, 3)}, nil)
		require.NoError(t, os.WriteFile(path, edit(path, b), 0o644))
		sum, err := Fingerprint(path)
		require.NoError(t, err)
		return sum
	}
	same := func(_ string, b []byte) []byte { return b }
	at := func(i int) func(string, []byte) []byte {
		return func(_ string, b []byte) []byte { b[len(b)-20003+i]++; return b }
	}
	base := print(same)
	assert.Len(t, base, 64)
	assert.Equal(t, base, print(same), "the path is no part of it")
	for _, i := range []int{0, 4095, 20000 - 4096, 19999, 20000, 20002} {
		assert.NotEqual(t, base, print(at(i)), "byte %d", i)
	}
	assert.Equal(t, base, print(at(10000)), "the middle is not looked at, as documented")
	assert.NotEqual(t, base, print(func(_ string, b []byte) []byte { return bytes.Replace(b, []byte(`"a"`), []byte(`"c"`), 1) }))
	_, err := Fingerprint(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)

	dirs := [2]string{t.TempDir(), t.TempDir()}
	var sums [2]string
	for i, dir := range dirs {
		require.NoError(t, WriteModel(dir, []Out{u8("a", byte(i)), u8("b", 1)}, 1))
		m, err := OpenModel(dir)
		require.NoError(t, err)
		sums[i], err = m.Fingerprint()
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
	assert.NotEqual(t, sums[0], sums[1])
}
