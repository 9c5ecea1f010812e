package safetensors

import (
	"bytes"
	"path/filepath"
	"testing"

	"luthier/internal/fuzzcheck"
)

// FuzzSafetensors: any bytes are refused or read; what is read can be computed with, written again, and read as equal.
func FuzzSafetensors(f *testing.F) {
	f.Add(raw("{}", 0))
	f.Add(raw(`{"__metadata__":{"format":"pt"},"a":`+entryJSON("F32", "[2]", "[0,8]")+`,"b":`+entryJSON("BF16", "[1,3]", "[8,14]")+`}`, 14))
	f.Add(raw(`{"a":`+entryJSON("F16", "[]", "[0,2]")+`,"b":`+entryJSON("F8_E4M3", "[0]", "[2,2]")+`,"c":`+entryJSON("F64", "[1]", "[2,10]")+`}`, 10))
	f.Add(raw(`{"a":`+entryJSON("F4", "[2]", "[0,1]")+`}`, 1))
	f.Add([]byte("version https://git-lfs.github.com/spec/v1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzcheck.Bounded(t, len(data), func() { readAndCopy(t, data) })
	})
}

func readAndCopy(t *testing.T, data []byte) {
	file, err := newFile("x", data)
	if err != nil {
		if file != nil || len(err.Error()) > 10*len(data)+1000 {
			t.Fatalf("file %v, message of %d bytes", file, len(err.Error()))
		}
		return
	}
	var out []Out
	for _, name := range file.Names() {
		a, ok := file.Tensor(name)
		if !ok {
			t.Fatalf("%q is listed but not there", name)
		}
		o := Copy(a)
		o.AllowNonFinite = true
		out = append(out, o)
		index, found := FirstNonFinite(a)
		if found && index >= a.Elems() || HasNaN(a) && !found {
			t.Fatalf("%q: non-finite %v at %d of %d", name, found, index, a.Elems())
		}
		if floatLanes[a.DType].bits != 0 {
			_ = a.Float32(make([]float32, a.Elems()))
		}
	}
	again := map[string]string{}
	if file.Metadata() != nil {
		again = file.Metadata()
	}
	var b bytes.Buffer
	if err := Write(&b, out, again); err != nil {
		t.Fatal(err)
	}
	copied, err := newFile("y", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range file.Names() {
		x, _ := file.Tensor(name)
		y, ok := copied.Tensor(name)
		if !ok || x.DType != y.DType || !bytes.Equal(x.Data, y.Data) || x.Elems() != y.Elems() {
			t.Fatalf("%q: %v became %v", name, x, y)
		}
	}
}

// FuzzIndex: any text is refused, or gives shards; a shard name that passes stays in the model's directory.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":2},"weight_map":{"a":"s1","b":"../s2"}}`))
	f.Add([]byte(`{"weight_map":{"a":"..","b":"x/..","c":"a\\b","d":"C:x"}}`))
	f.Add([]byte(`{"weight_map":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var shardOf map[string]string
		var err error
		fuzzcheck.Bounded(t, len(text), func() { shardOf, err = decodeIndex(text) })
		if (err == nil) != (len(shardOf) > 0) {
			t.Fatalf("%v, %v", shardOf, err)
		}
		for _, shard := range shardOf {
			path := filepath.Join("model", shard)
			if plainName(shard) && (filepath.Dir(path) != "model" || filepath.Base(path) != shard) {
				t.Fatalf("%q leads to %q", shard, path)
			}
		}
	})
}
