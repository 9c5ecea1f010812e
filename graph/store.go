package graph

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"luthier/backend"
)

// Source fills leaves when a program first needs them: the bytes of leaf n in its storage type, row-major, or nil for zeros.
type Source func(n *Node) ([]byte, error)

// Store holds the leaves of programs on a device, and the arenas of transients. Programs of several shapes share one.
type Store struct {
	dev    backend.Device
	source Source
	leaves map[string]*tensor
	arenas []backend.Buffer
	sizes  []int64
}

type tensor struct {
	sig   Sig
	kind  Kind
	leaf  *Leaf
	parts []backend.Buffer
	per   int // rows in a part
}

// NewStore makes an empty store. source may be nil: then every leaf starts as zeros.
func NewStore(dev backend.Device, source Source) *Store {
	return &Store{dev: dev, source: source, leaves: map[string]*tensor{}}
}

// Device is where the store lies.
func (s *Store) Device() backend.Device { return s.dev }

// reserve makes the arenas at least as large as sizes. Arenas that programs already use do not move: compile the largest first.
func (s *Store) reserve(sizes []int64) error {
	for i, n := range sizes {
		if i < len(s.sizes) {
			if n > s.sizes[i] {
				return fmt.Errorf("graph: arena %d has %d bytes and a later program wants %d: reserve the largest plan first", i, s.sizes[i], n)
			}
			continue
		}
		b, err := s.dev.Alloc(int(n/4), backend.F32)
		if err != nil {
			return err
		}
		s.arenas, s.sizes = append(s.arenas, b), append(s.sizes, n)
	}
	return nil
}

// Reserve makes the arenas large enough for every plan given. It must precede Compile of any of them.
func (s *Store) Reserve(plans ...*Plan) error {
	var sizes []int64
	for _, p := range plans {
		for i, n := range p.Arenas {
			if i == len(sizes) {
				sizes = append(sizes, 0)
			}
			sizes[i] = max(sizes[i], n)
		}
	}
	return s.reserve(sizes)
}

// key is a leaf's name in the store. Programs of several shapes share weights and states, and have inputs of their own.
func key(n *Node) string {
	if n.leaf.Kind == Input {
		return fmt.Sprintf("%s %v", n.leaf.Name, n.Shape)
	}
	return n.leaf.Name
}

// ensure allocates and fills a leaf that no program has used yet.
func (s *Store) ensure(n *Node, per int) (*tensor, error) {
	if t, ok := s.leaves[key(n)]; ok {
		if !t.sig.Shape.Equal(n.Shape) || t.sig.DType != n.DType {
			return nil, fmt.Errorf("graph: leaf %s is %v in the store and %v in the program", n.leaf.Name, t.sig, n.Sig)
		}
		return t, nil
	}
	t := &tensor{sig: n.Sig, kind: n.leaf.Kind, leaf: n.leaf, per: per}
	rows := n.Shape.Rows()
	for r := 0; r < rows; r += per {
		b, err := s.dev.Alloc(int(padded(min(per, rows-r)*n.ld(), n.DType)/n.DType.Bytes(2)*2), n.DType)
		if err != nil {
			return nil, fmt.Errorf("leaf %s: %w", n.leaf.Name, err)
		}
		t.parts = append(t.parts, b)
	}
	s.leaves[key(n)] = t
	if s.source == nil || n.leaf.Kind == Input || n.leaf.Kind == State {
		return t, nil
	}
	data, err := s.source(n)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return t, nil
	}
	return t, s.write(n.leaf.Name, t, data)
}

func (s *Store) write(name string, t *tensor, data []byte) error {
	if want := t.sig.DType.Bytes(t.sig.store()); int64(len(data)) != want && int64(len(data)) != t.sig.DType.Bytes(2)/2*int64(t.sig.store()) {
		return fmt.Errorf("graph: leaf %s takes %d bytes, %d given", name, want, len(data))
	}
	for i, b := range t.parts {
		from := t.sig.DType.Bytes(2) / 2 * int64(i*t.per*t.sig.ld())
		to := min(int64(len(data)), t.sig.DType.Bytes(2)/2*int64((i+1)*t.per*t.sig.ld()))
		if err := s.dev.Write(b, data[from:to]); err != nil {
			return fmt.Errorf("leaf %s: %w", name, err)
		}
	}
	return nil
}

// Write sets the weight or state of that name; data as Source gives it. Inputs are the program's to write.
func (s *Store) Write(name string, data []byte) error {
	forms := s.forms(name)
	if len(forms) == 0 {
		return fmt.Errorf("graph: no leaf %s in the store", name)
	}
	for _, t := range forms {
		form := data
		if f := t.leaf.From; t.leaf.Of != "" {
			form = TransposeBytes(data, f.Shape[0], f.Shape[1], f.Shape[1], t.sig.ld(), int(f.DType.Bytes(2)/2))
		}
		if err := s.write(name, t, form); err != nil {
			return err
		}
	}
	return nil
}

// forms are the tensors that hold the weight of that name: itself, and itself transposed.
func (s *Store) forms(name string) []*tensor {
	var out []*tensor
	for _, k := range []string{name, name + transposedSuffix} {
		if t := s.leaves[k]; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// Read returns the bytes of a leaf.
func (s *Store) Read(ctx context.Context, name string) ([]byte, error) {
	forms := s.forms(name)
	if len(forms) == 0 {
		return nil, fmt.Errorf("graph: no leaf %s in the store", name)
	}
	t := forms[0]
	out := make([]byte, 0, t.sig.DType.Bytes(t.sig.store()))
	for i, b := range t.parts {
		raw, err := backend.Read(ctx, s.dev, b)
		if err != nil {
			return nil, fmt.Errorf("leaf %s: %w", name, err)
		}
		rows := min(t.per, t.sig.Shape.Rows()-i*t.per)
		out = append(out, raw[:t.sig.DType.Bytes(2)/2*int64(rows*t.sig.ld())]...)
	}
	if f := t.leaf.From; t.leaf.Of != "" {
		out = TransposeBytes(out, f.Shape[1], f.Shape[0], t.sig.ld(), f.Shape[1], int(f.DType.Bytes(2)/2))
	}
	return out, nil
}

// Has tells whether the leaf is in the store, itself or transposed.
func (s *Store) Has(name string) bool { return len(s.forms(name)) > 0 }

// Forms names the leaves of a kind as they lie: a weight that is kept transposed by the leaf's own name.
func (s *Store) Forms(k Kind) []string {
	var out []string
	for n, t := range s.leaves {
		if t.kind == k {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

// Names lists the leaves of a kind, sorted.
func (s *Store) Names(k Kind) []string {
	var out []string
	for _, t := range s.leaves {
		if t.kind == k {
			out = append(out, t.leaf.base())
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// Buffers are the device buffers of a leaf, for tests and for a Fetch that does not wait.
func (s *Store) Buffers(name string) []backend.Buffer {
	if t := s.leaves[name]; t != nil {
		return t.parts
	}
	return nil
}

// Close frees everything.
func (s *Store) Close() {
	for _, t := range s.leaves {
		for _, b := range t.parts {
			s.dev.Free(b)
		}
	}
	for _, b := range s.arenas {
		s.dev.Free(b)
	}
	s.leaves, s.arenas, s.sizes = map[string]*tensor{}, nil, nil
}
