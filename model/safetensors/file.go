package safetensors

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/edsrzf/mmap-go"
)

// File is one opened safetensors file. Its tensors lie in the mapping and are invalid after Close.
type File struct {
	path    string
	data    mmap.MMap
	header  *header
	byName  map[string]int // position in header.entries
	ordered []string
}

// Open maps the file at path and checks its header in full. Data is read from disk when it is touched.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping outlives the handle
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &FormatError{File: path, Problem: "is not a regular file", Remedy: notOurs}
	}
	if int64(int(st.Size())) != st.Size() {
		return nil, &FormatError{File: path, Problem: "is larger than this machine can address"}
	}
	var data mmap.MMap
	if st.Size() > 0 { // an empty file cannot be mapped
		if data, err = mmap.Map(f, mmap.RDONLY, 0); err != nil {
			return nil, fmt.Errorf("%s: cannot be mapped into memory: %w", path, err)
		}
	}
	file, err := newFile(path, data)
	if err != nil && data != nil {
		err = firstError(err, data.Unmap())
	}
	return file, err
}

// newFile checks data, the whole content of path.
func newFile(path string, data []byte) (*File, error) {
	var h *header
	var err error
	if fault := Guard(path, func() error { h, err = parseHeader(path, data); return nil }); fault != nil {
		return nil, fault
	}
	if err != nil {
		return nil, err
	}
	f := &File{path: path, data: data, header: h, byName: make(map[string]int, len(h.entries))}
	for i, e := range h.entries {
		f.byName[e.name] = i
	}
	f.ordered = slices.Sorted(maps.Keys(f.byName))
	return f, nil
}

// Path is the path given to Open.
func (f *File) Path() string { return f.path }

// Names lists the tensors, sorted.
func (f *File) Names() []string { return slices.Clone(f.ordered) }

// Metadata returns the header's "__metadata__", nil where there is none.
func (f *File) Metadata() map[string]string { return maps.Clone(f.header.metadata) }

// Tensor returns the named tensor; its Data lies in the mapping.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.byName[name]
	if !ok || f.data == nil {
		return Tensor{}, false
	}
	e := f.header.entries[i]
	at := f.header.bytes
	return Tensor{Name: e.name, DType: e.dtype, Shape: slices.Clone(e.shape), File: f.path,
		Data: f.data[at+e.begin : at+e.end : at+e.end]}, true
}

// Close unmaps the file. It may be called more than once.
func (f *File) Close() error {
	if f == nil || f.data == nil {
		return nil
	}
	data := f.data
	f.data = nil
	return data.Unmap()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
