// Package torchzip reads the files that torch.save writes: a zip with a pickle of the structure and one entry of bytes a storage.
//
// A pickle is a program, and running one runs whatever its author named. This reader knows the few instructions and the few names that a
// dictionary of tensors is made of, and refuses the rest: nothing of the file is executed, no allocation is larger than the file, and all
// tensors together are no larger than a few files.
//
// Format: Python's pickletools (protocol 2) and torch's serialization notes.
package torchzip

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
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
	a := &archive{path: path, left: st.Size(), room: shared * st.Size(), entries: map[string]*zip.File{}, storages: map[string]*storage{}}
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
	return a.tensorsOf(top)
}

func fault(path, problem string) error {
	return &safetensors.FormatError{File: path, Problem: problem, Remedy: remedy}
}

// tensorsOf lists a dictionary's tensors.
func (a *archive) tensorsOf(top any) ([]safetensors.Tensor, error) {
	path := a.path
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
		if err := a.take(len(t.Data)); err != nil {
			return nil, fault(path, err.Error())
		}
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
	room       int64 // bytes that tensors may still take
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
