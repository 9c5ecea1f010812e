package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"
)

// Out is a tensor to be written. Its bytes, row-major and little-endian, are Data, or what Stream writes where a copy
// in memory would be too much; exactly one of the two is set (a tensor without elements needs neither).
type Out struct {
	Name   string
	DType  string
	Shape  []int
	Data   []byte
	Stream func(io.Writer) error

	// AllowNonFinite lets NaN and infinity through. They are refused otherwise: a diverged run must not look saved.
	AllowNonFinite bool
}

// Copy is t to be written as it is.
func Copy(t Tensor) Out {
	return Out{Name: t.Name, DType: t.DType, Shape: t.Shape, Stream: func(w io.Writer) error {
		return Guard(t.File, func() error { _, err := w.Write(t.Data); return err })
	}}
}

// NonFiniteError says that a tensor was not written since an element of it is NaN or infinite.
type NonFiniteError struct {
	Tensor string
	Index  int // of the first such element, row-major
}

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("tensor %q: element %d is NaN or infinite: not written", e.Tensor, e.Index)
}

// Write writes one safetensors file. metadata becomes "__metadata__" (nil: {"format": "pt"}, which transformers asks
// for). Tensors are laid out from the widest type to the narrowest and then by name, as the reference implementation
// does: the same tensors give the same bytes in whatever order they are given. After an error what w has received is
// no whole file.
func Write(w io.Writer, tensors []Out, metadata map[string]string) error {
	sorted := slices.Clone(tensors)
	slices.SortStableFunc(sorted, func(a, b Out) int {
		return cmp.Or(cmp.Compare(dtypeRank(b.DType), dtypeRank(a.DType)), cmp.Compare(a.Name, b.Name))
	})
	head, err := encodeHeader(sorted, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, t := range sorted {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

// encodeHeader returns length and JSON, padded with spaces so that the data begins at a multiple of 8.
func encodeHeader(sorted []Out, metadata map[string]string) ([]byte, error) {
	if metadata == nil {
		metadata = map[string]string{"format": "pt"}
	}
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	if len(metadata) > 0 {
		b.WriteString(`"__metadata__":{`)
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if !utf8.ValidString(k) || !utf8.ValidString(metadata[k]) {
				return nil, fmt.Errorf("metadata %q: is not valid UTF-8", k)
			}
			writeComma(&b, i)
			fmt.Fprintf(&b, "%s:%s", quote(k), quote(metadata[k]))
		}
		b.WriteByte('}')
	}
	seen := map[string]bool{"__metadata__": true}
	at := 0
	for i, t := range sorted {
		size, err := t.check()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q: this name is given twice, or reserved", t.Name)
		}
		seen[t.Name] = true
		if at+size < at {
			return nil, fmt.Errorf("tensor %q: the file would be too large", t.Name)
		}
		writeComma(&b, i+min(len(metadata), 1))
		shape, _ := json.Marshal(append([]int{}, t.Shape...)) // [] for a scalar, not null
		fmt.Fprintf(&b, `%s:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, quote(t.Name), t.DType, shape, at, at+size)
		at += size
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > maxHeader {
		return nil, fmt.Errorf("%d tensors need a header of %d bytes, the format allows %d: write several files", len(sorted), b.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

func (t Out) check() (size int, err error) {
	if !utf8.ValidString(t.Name) {
		return 0, fmt.Errorf("the name is not valid UTF-8")
	}
	if len(t.Shape) > maxRank {
		return 0, fmt.Errorf("more than %d dimensions", maxRank)
	}
	if size, err = byteSize(t.DType, t.Shape); err != nil {
		return 0, err
	}
	if t.Data != nil && t.Stream != nil {
		return 0, fmt.Errorf("has both Data and Stream")
	}
	if t.Stream == nil && len(t.Data) != size {
		return 0, fmt.Errorf("shape %v of %s needs %d bytes, has %d", t.Shape, t.DType, size, len(t.Data))
	}
	return size, nil
}

func (t Out) write(w io.Writer) error {
	size, err := t.check()
	if err != nil {
		return err
	}
	c := &checked{w: w, left: size}
	if !t.AllowNonFinite {
		c.lanes = floatLanes[t.DType]
	}
	if t.Stream != nil {
		err = t.Stream(c)
	} else {
		_, err = c.Write(t.Data)
	}
	if err == nil && c.left != 0 {
		err = fmt.Errorf("shape %v of %s needs %d bytes, %d were written", t.Shape, t.DType, size, size-c.left)
	}
	if c.found {
		return &NonFiniteError{Tensor: t.Name, Index: c.index}
	}
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return nil
}

func writeComma(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // as the reference implementation, byte for byte
	_ = enc.Encode(s)        // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
