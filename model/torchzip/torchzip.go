// Package torchzip reads the files that torch.save writes: a zip with a pickle of the structure and one entry of bytes a storage.
//
// A pickle is a program, and running one runs whatever its author named. This reader knows the few instructions and the few names that a
// dictionary of tensors is made of, and refuses the rest: nothing of the file is executed, and no allocation is larger than the file.
//
// Format: Python's pickletools (protocol 2) and torch's serialization notes.
package torchzip

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"luthier/model/safetensors"
)

// maxPickle bounds the structure's entry: a dictionary of a million tensors stays below it.
const maxPickle = 1 << 28

// remedy is what helps with a file that is not a plain dictionary of tensors.
const remedy = "save it again as safetensors (safetensors.torch.save_file)"

// Read returns the tensors of a file with a dictionary of them at the top, in its order, each copied to be contiguous. File names the file
// in messages.
func Read(path string) ([]safetensors.Tensor, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		if _, is := errors.AsType[*os.PathError](err); is {
			return nil, err
		}
		return nil, fault(path, fmt.Sprintf("is no zip (%v): torch before 1.6 wrote another format, and a download may have been cut", err))
	}
	defer z.Close()
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	a := &archive{path: path, left: st.Size(), entries: map[string]*zip.File{}, storages: map[string]*storage{}}
	root := ""
	for _, f := range z.File {
		a.entries[f.Name] = f
		if dir, ok := strings.CutSuffix(f.Name, "/data.pkl"); ok && !strings.Contains(dir, "/") {
			root = dir
		}
	}
	if a.entries[root+"/data.pkl"] == nil {
		return nil, fault(path, "has no data.pkl: torch.save did not write it")
	}
	a.root = root
	if err := a.littleEndian(); err != nil {
		return nil, err
	}
	text, err := a.read(root+"/data.pkl", maxPickle)
	if err != nil {
		return nil, err
	}
	top, err := a.unpickle(text)
	if err != nil {
		return nil, fault(path, err.Error())
	}
	return tensorsOf(path, top)
}

func fault(path, problem string) error {
	return &safetensors.FormatError{File: path, Problem: problem, Remedy: remedy}
}

// tensorsOf lists a dictionary's tensors.
func tensorsOf(path string, top any) ([]safetensors.Tensor, error) {
	d, ok := top.(*dict)
	if !ok {
		return nil, fault(path, "holds no dictionary of tensors at its top")
	}
	var out []safetensors.Tensor
	seen := map[string]bool{}
	for i, k := range d.keys {
		name, ok := k.(string)
		if !ok {
			return nil, fault(path, "has a key that is no string")
		}
		t, ok := d.values[i].(*safetensors.Tensor)
		if !ok {
			return nil, fault(path, fmt.Sprintf("entry %q is no tensor", name))
		}
		if seen[name] {
			return nil, fault(path, fmt.Sprintf("tensor %q is there twice", name))
		}
		seen[name] = true
		named := *t // one tensor may stand under two names
		named.Name = name
		out = append(out, named)
	}
	return out, nil
}

// archive is the open zip.
type archive struct {
	path, root string
	left       int64 // bytes that entries may still hold: all of them together are no larger than the file
	entries    map[string]*zip.File
	storages   map[string]*storage
}

// littleEndian refuses files of machines of the other byte order.
func (a *archive) littleEndian() error {
	name := a.root + "/byteorder" // since torch 2.1; before it there was no other order
	if a.entries[name] == nil {
		return nil
	}
	text, err := a.read(name, 16)
	if err == nil && string(text) != "little" {
		err = fault(a.path, fmt.Sprintf("is of byte order %q, only little is read", text))
	}
	return err
}

// read returns an entry, which torch stores uncompressed.
func (a *archive) read(name string, most int64) ([]byte, error) {
	f := a.entries[name]
	if f == nil {
		return nil, fault(a.path, fmt.Sprintf("entry %s is missing", name))
	}
	n := f.UncompressedSize64
	if f.Method != zip.Store || f.CompressedSize64 != n {
		return nil, fault(a.path, fmt.Sprintf("entry %s is compressed, which torch.save does not do", name))
	}
	if n > uint64(min(most, a.left)) {
		return nil, fault(a.path, fmt.Sprintf("entry %s claims %d bytes, more than there can be", name, n))
	}
	a.left -= int64(n)
	r, err := f.Open()
	if err != nil {
		return nil, fault(a.path, fmt.Sprintf("entry %s: %v", name, err))
	}
	defer r.Close()
	out := make([]byte, n)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, fault(a.path, fmt.Sprintf("entry %s is cut: %v", name, err))
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF { // the checksum is looked at there
		return nil, fault(a.path, fmt.Sprintf("entry %s is damaged: %v", name, err))
	}
	return out, nil
}

// storage is a flat array that tensors are views of.
type storage struct {
	dtype string
	width int
	data  []byte
}

// dtypes are torch's storage classes.
var dtypes = map[string]struct {
	name  string
	width int
}{
	"FloatStorage": {safetensors.F32, 4}, "HalfStorage": {safetensors.F16, 2}, "BFloat16Storage": {safetensors.BF16, 2}, "DoubleStorage": {safetensors.F64, 8},
	"LongStorage": {safetensors.I64, 8}, "IntStorage": {safetensors.I32, 4}, "ShortStorage": {safetensors.I16, 2}, "CharStorage": {safetensors.I8, 1},
	"ByteStorage": {safetensors.U8, 1}, "BoolStorage": {safetensors.BOOL, 1},
}

// open reads the storage that a persistent id names: ("storage", class, key, device, elements).
func (a *archive) open(id any) (*storage, error) {
	t, ok := id.(tuple)
	if !ok || len(t) != 5 || t[0] != any("storage") {
		return nil, errors.New("names a persistent object that is no storage")
	}
	class, isClass := t[1].(global)
	key, isKey := t[2].(string)
	n, isCount := t[4].(int64)
	d, known := dtypes[strings.TrimPrefix(string(class), "torch.")]
	if !isClass || !isKey || !isCount || !known {
		return nil, fmt.Errorf("has a storage of a kind that is not known (%v)", class)
	}
	if s := a.storages[key]; s != nil {
		return s, nil
	}
	data, err := a.read(a.root+"/data/"+key, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(data)) || n*int64(d.width) != int64(len(data)) {
		return nil, fmt.Errorf("storage %s has %d bytes, its %d elements want %d each", key, len(data), n, d.width)
	}
	s := &storage{d.name, d.width, data}
	a.storages[key] = s
	return s, nil
}

// view is a contiguous copy of a strided view, or the storage's own bytes where they are that already.
func (a *archive) view(s *storage, offset int64, shape, stride []int64) (*safetensors.Tensor, error) {
	if len(shape) != len(stride) || len(shape) > 8 {
		return nil, fmt.Errorf("has a tensor of shape %v and strides %v", shape, stride)
	}
	total := int64(len(s.data) / s.width)
	elems, last, flat := int64(1), offset, true
	dims := make([]int, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		n, d := shape[i], stride[i]
		if n < 0 || n > total || d < 0 || d > total || offset < 0 || offset > total {
			return nil, fmt.Errorf("has a tensor of shape %v and strides %v beyond its storage of %d", shape, stride, total)
		}
		if (n > 1 && d > total/(n-1)) || (n > 0 && elems > total/n) { // an expanded view is no larger than the file either
			return nil, fmt.Errorf("has a tensor of shape %v and strides %v on a storage of %d", shape, stride, total)
		}
		flat = flat && (n == 1 || d == elems)
		dims[i] = int(n)
		last += max(0, n-1) * d
		elems *= n
	}
	if elems > 0 && last >= total {
		return nil, fmt.Errorf("has a tensor that reaches element %d of a storage of %d", last, total)
	}
	t := &safetensors.Tensor{DType: s.dtype, Shape: dims, File: a.path}
	if flat {
		t.Data = s.data[offset*int64(s.width) : (offset+elems)*int64(s.width)]
		return t, nil
	}
	t.Data = make([]byte, 0, elems*int64(s.width))
	at := make([]int64, len(shape))
	for range elems {
		from := offset
		for i, k := range at {
			from += k * stride[i]
		}
		t.Data = append(t.Data, s.data[from*int64(s.width):(from+1)*int64(s.width)]...)
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < shape[i] {
				break
			}
			at[i] = 0
		}
	}
	return t, nil
}
