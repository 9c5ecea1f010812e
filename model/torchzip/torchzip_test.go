package torchzip

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/model/safetensors"
)

// program writes pickles by hand.
type program struct{ bytes.Buffer }

func (p *program) str(s string) *program {
	p.WriteByte('X')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
	return p
}

func (p *program) ops(s string) *program {
	p.WriteString(s)
	return p
}

// tensor pushes a rebuilt tensor of up to 255 elements of a storage.
func (p *program) tensor(class, key string, total, offset byte, shape, stride []byte) *program {
	p.ops("ctorch._utils\n_rebuild_tensor_v2\n((").str("storage").ops("ctorch\n" + class + "\n").str(key).str("cpu").ops("K" + string([]byte{total}) + "tQ")
	p.ops("K" + string([]byte{offset}))
	for _, v := range [][]byte{shape, stride} {
		p.ops("(")
		for _, n := range v {
			p.ops("K" + string([]byte{n}))
		}
		p.ops("t")
	}
	return p.ops("\x89)tR")
}

// file writes a zip as torch does.
func file(t testing.TB, pickle string, entries map[string][]byte) string {
	path := filepath.Join(t.TempDir(), "x.bin")
	require.NoError(t, os.WriteFile(path, zipped(t, pickle, entries), 0o600))
	return path
}

func zipped(t testing.TB, pickle string, entries map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name string, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		require.NoError(t, err)
		_, err = w.Write(data)
		require.NoError(t, err)
	}
	put("data.pkl", []byte(pickle))
	for name, data := range entries {
		put(name, data)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func floats(n int) []byte {
	var b []byte
	for i := range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i)))
	}
	return b
}

func values(t *testing.T, x safetensors.Tensor) []float32 {
	out := make([]float32, x.Elems())
	require.NoError(t, x.Float32(out))
	return out
}

// A state_dict with a plain tensor, its transposed view, a parameter and a scalar, and the versions that torch keeps beside.
func TestReadViews(t *testing.T) {
	p := &program{}
	p.ops("\x80\x02ccollections\nOrderedDict\n)R(")
	p.str("a").tensor("FloatStorage", "0", 6, 0, []byte{2, 3}, []byte{3, 1})
	p.str("b").tensor("FloatStorage", "0", 6, 0, []byte{3, 2}, []byte{1, 3})
	p.str("c").ops("ctorch._utils\n_rebuild_parameter\n(").tensor("FloatStorage", "0", 6, 4, []byte{2}, []byte{1}).ops("\x89ccollections\nOrderedDict\n)RtR")
	p.str("d").tensor("BFloat16Storage", "1", 1, 0, nil, nil)
	p.ops("u}(").str("_metadata").ops("}ub.")
	got, err := Read(file(t, p.String(), map[string][]byte{"data/0": floats(6), "data/1": {0x80, 0x3f}, "byteorder": []byte("little")}))
	require.NoError(t, err)
	require.Len(t, got, 4)
	for i, want := range []struct {
		name  string
		shape []int
		x     []float32
	}{{"a", []int{2, 3}, []float32{0, 1, 2, 3, 4, 5}}, {"b", []int{3, 2}, []float32{0, 3, 1, 4, 2, 5}}, {"c", []int{2}, []float32{4, 5}}, {"d", []int{}, []float32{1}}} {
		require.Equal(t, want.name, got[i].Name)
		require.Equal(t, want.shape, got[i].Shape)
		require.Equal(t, want.x, values(t, got[i]))
	}
}

// What a pickle may not do, each with a word of its message.
func TestReadRefuses(t *testing.T) {
	one := func(shape, stride []byte, offset byte) string {
		return (&program{}).ops("\x80\x02}").str("a").tensor("FloatStorage", "0", 6, offset, shape, stride).ops("s.").String()
	}
	for _, c := range []struct{ name, pickle, want string }{
		{"code", "\x80\x02cos\nsystem\n(" + (&program{}).str("echo").String() + "tR.", `asks for "os.system"`},
		{"code by another name", "\x80\x02cbuiltins\neval\n.", `asks for "builtins.eval"`},
		{"a class of torch's that is no storage", "\x80\x02ctorch\nload\n.", `asks for "torch.load"`},
		{"an object", "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)\x81.", "instruction 0x81"},
		{"no dictionary", "\x80\x02].", "no dictionary"},
		{"a number", "\x80\x02}" + (&program{}).str("a").String() + "K\x01s.", "is no tensor"},
		{"a number as key", "\x80\x02}K\x01K\x01s.", "no string"},
		{"twice", strings.Replace(one([]byte{6}, []byte{1}, 0), "s.", "s"+one([]byte{6}, []byte{1}, 0)[3:], 1), "twice"},
		{"nothing on the stack", "\x80\x02s.", "ends too early"},
		{"cut", "\x80\x02}X\xff\xff\xff\x7fab", "ends too early"},
		{"never kept", "\x80\x02h\x05.", "never kept"},
		{"beyond the storage", one([]byte{2, 3}, []byte{4, 1}, 0), "reaches element 6"},
		{"behind the storage", one([]byte{2}, []byte{1}, 7), "beyond its storage"},
		{"expanded", one([]byte{6, 6}, []byte{0, 1}, 0), "on a storage of 6"},
		{"missing storage", strings.Replace(one([]byte{6}, []byte{1}, 0), "\x01\x00\x00\x000", "\x01\x00\x00\x009", 1), "data/9 is missing"},
		{"another size", strings.Replace(one([]byte{6}, []byte{1}, 0), "K\x06tQ", "K\x05tQ", 1), "its 5 elements"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(file(t, c.pickle, map[string][]byte{"data/0": floats(6)}))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "x.bin")
		})
	}
	_, err := Read(file(t, one([]byte{6}, []byte{1}, 0), map[string][]byte{"data/0": floats(6), "byteorder": []byte("big")}))
	require.ErrorContains(t, err, "byte order")
	plain := filepath.Join(t.TempDir(), "old.bin")
	require.NoError(t, os.WriteFile(plain, []byte("\x80\x02\x8a\x0al\xfc"), 0o600))
	_, err = Read(plain)
	require.ErrorContains(t, err, "no zip")
}

// A small file of many views, or of many names for one tensor, takes no more memory than a few files; a tied weight may share.
func TestReadSharedStorage(t *testing.T) {
	tied := &program{}
	tied.ops("\x80\x02}(").str("a").tensor("FloatStorage", "0", 100, 0, []byte{100}, []byte{1}).str("b").tensor("FloatStorage", "0", 100, 0, []byte{10, 10}, []byte{1, 10})
	got, err := Read(file(t, tied.ops("u.").String(), map[string][]byte{"data/0": floats(100)}))
	require.NoError(t, err)
	require.Len(t, got, 2)

	views, names := &program{}, &program{}
	views.ops("\x80\x02}(")
	names.ops("\x80\x02").tensor("FloatStorage", "0", 200, 0, []byte{200}, []byte{1}).ops("q\x00}(")
	for i := range 200 {
		views.str(string(rune('A'+i))).tensor("FloatStorage", "0", 200, 0, []byte{20, 10}, []byte{1, 20})
		names.str(string(rune('A' + i))).ops("h\x00")
	}
	for _, p := range []*program{views, names} {
		_, err = Read(file(t, p.ops("u.").String(), map[string][]byte{"data/0": floats(200)}))
		require.ErrorContains(t, err, "more than 8 times its size")
		require.ErrorContains(t, err, "save it again as safetensors")
	}
}

// Two adapters as their authors published them, against values that torch reads.
func TestReadPublished(t *testing.T) {
	for _, c := range []struct {
		file, name string
		tensors    int
		shape      []int
		first      []float32
	}{
		{"roberta_base_lora_mnli.bin", "roberta.encoder.layer.0.attention.self.query.lora_A", 52, []int{8, 768}, []float32{0.0104984427, -0.0241887793, 0.076148279}},
		{"t03b_ia3_finish.pt", "encoder.block.0.layer.0.SelfAttention.k.multi_lora_b", 192, []int{2048, 1}, []float32{1.05245388, 1.06848288, 1.06894207}},
	} {
		t.Run(c.file, func(t *testing.T) {
			got, err := Read(asset(t, "models/adapters/"+c.file))
			require.NoError(t, err)
			require.Len(t, got, c.tensors)
			require.Equal(t, c.name, got[0].Name)
			require.Equal(t, c.shape, got[0].Shape)
			require.Equal(t, c.first, values(t, got[0])[:3])
		})
	}
}

func asset(t *testing.T, path string) string {
	root := os.Getenv("LUTHIER_ASSETS")
	set := root != ""
	if !set {
		root = filepath.Join("..", "..", "..", "shared", "assets")
	}
	p := filepath.Join(root, path)
	if _, err := os.Stat(p); err != nil {
		if set {
			t.Fatalf("LUTHIER_ASSETS: %v", err)
		}
		t.Skipf("no assets: %v", err)
	}
	return p
}

// FuzzRead holds the reader to errors: whatever the pickle says, nothing panics, no tensor is larger than the file, and all are no larger than a few.
func FuzzRead(f *testing.F) {
	p := &program{}
	p.ops("\x80\x02}q\x00(").str("a").tensor("FloatStorage", "0", 6, 0, []byte{2, 3}, []byte{3, 1}).str("b").tensor("HalfStorage", "1", 2, 0, []byte{2}, []byte{1}).ops("u.")
	f.Add([]byte(p.String()))
	f.Add([]byte("\x80\x02ccollections\nOrderedDict\n)R}(" + (&program{}).str("_metadata").String() + "]K\x01aub."))
	f.Add([]byte("\x80\x02}(\x8a\x03\xff\xff\xffG\x00\x00\x00\x00\x00\x00\x00\x00N\x88\x89u."))
	f.Fuzz(func(t *testing.T, pickle []byte) {
		raw := zipped(t, string(pickle), map[string][]byte{"data/0": floats(6), "data/1": {1, 2, 3, 4}})
		path := filepath.Join(t.TempDir(), "x.bin")
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		ts, err := Read(path)
		if err != nil {
			return
		}
		total := 0
		for _, x := range ts {
			total += len(x.Data)
			require.LessOrEqual(t, len(x.Data), len(raw))
			_ = x.Float32(make([]float32, x.Elems())) // integers are refused
		}
		require.LessOrEqual(t, total, shared*len(raw))
	})
}
