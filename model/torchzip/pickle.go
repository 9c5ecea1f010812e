package torchzip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"luthier/model/safetensors"
)

// What a pickle of tensors is made of, beside int64, bool, string and nil.
type (
	global string // a name that is called or passed on
	mark   struct{}
	tuple  []any
	list   struct{ items []any }
	dict   struct{ keys, values []any }
)

// machine is the stack machine of pickle, with the instructions that torch.save writes for dictionaries of tensors.
type machine struct {
	a     *archive
	text  []byte
	at    int
	stack []any
	memo  map[uint64]any
}

// unpickle runs the program and returns what it leaves.
func (a *archive) unpickle(text []byte) (any, error) {
	m := &machine{a: a, text: text, memo: map[uint64]any{}}
	for {
		op, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' {
			return m.pop()
		}
		step, ok := steps[op[0]]
		if !ok {
			return nil, fmt.Errorf("uses pickle instruction %#x, which a dictionary of tensors has no need of", op[0])
		}
		if err := step(m); err != nil {
			return nil, err
		}
	}
}

var errShort = errors.New("has a pickle that ends too early")

func (m *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.text)-m.at) {
		return nil, errShort
	}
	b := m.text[m.at : m.at+int(n)]
	m.at += int(n)
	return b, nil
}

func (m *machine) push(v any) error {
	m.stack = append(m.stack, v)
	return nil
}

func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 {
		return nil, errShort
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

func (m *machine) popN(n int) ([]any, error) {
	if len(m.stack) < n {
		return nil, errShort
	}
	out := append([]any(nil), m.stack[len(m.stack)-n:]...)
	m.stack = m.stack[:len(m.stack)-n]
	return out, nil
}

// toMark pops what lies above the last mark, and the mark.
func (m *machine) toMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			out, _ := m.popN(len(m.stack) - 1 - i)
			_, err := m.pop()
			return out, err
		}
	}
	return nil, errShort
}

// number reads an unsigned number of n bytes.
func (m *machine) number(n uint64) (uint64, error) {
	b, err := m.take(n)
	if err != nil {
		return 0, err
	}
	x := make([]byte, 8)
	copy(x, b)
	return binary.LittleEndian.Uint64(x), nil
}

func (m *machine) line() (string, error) {
	s, _, ok := strings.Cut(string(m.text[m.at:min(len(m.text), m.at+256)]), "\n")
	if !ok {
		return "", errShort
	}
	m.at += len(s) + 1
	return s, nil
}

// constant, fixed and tupleOf make instructions.
func constant(v any) func(*machine) error { return func(m *machine) error { return m.push(v) } }

func fixed(n uint64, of func(uint64) int64) func(*machine) error {
	return func(m *machine) error {
		x, err := m.number(n)
		if err != nil {
			return err
		}
		return m.push(of(x))
	}
}

func tupleOf(n int) func(*machine) error {
	return func(m *machine) error {
		x, err := m.popN(n)
		if err != nil {
			return err
		}
		return m.push(tuple(x))
	}
}

func put(n uint64) func(*machine) error {
	return func(m *machine) error {
		i, err := m.number(n)
		if err != nil || len(m.stack) == 0 {
			return errShort
		}
		m.memo[i] = m.stack[len(m.stack)-1]
		return nil
	}
}

func get(n uint64) func(*machine) error {
	return func(m *machine) error {
		i, err := m.number(n)
		if err != nil {
			return err
		}
		v, ok := m.memo[i]
		if !ok {
			return errors.New("has a pickle that recalls what it never kept")
		}
		return m.push(v)
	}
}

func text(n uint64) func(*machine) error {
	return func(m *machine) error {
		size, err := m.number(n)
		if err != nil {
			return err
		}
		b, err := m.take(size)
		if err != nil {
			return err
		}
		return m.push(string(b))
	}
}

// rebuild makes the tensor of torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks).
func (m *machine) rebuild(args tuple) (*safetensors.Tensor, error) {
	bad := errors.New("rebuilds a tensor from something else than a storage, an offset, a size and strides")
	if len(args) < 4 {
		return nil, bad
	}
	s, ok1 := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	shape, ok3 := numbers(args[2])
	stride, ok4 := numbers(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, bad
	}
	return m.a.view(s, offset, shape, stride)
}

func numbers(v any) ([]int64, bool) {
	t, ok := v.(tuple)
	out := make([]int64, len(t))
	for i, x := range t {
		n, is := x.(int64)
		out[i], ok = n, ok && is
	}
	return out, ok
}
