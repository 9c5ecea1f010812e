package torchzip

import (
	"errors"
	"fmt"

	"luthier/model/safetensors"
)

// names are the globals that a pickle may call or pass on.
var names = map[global]bool{"collections.OrderedDict": true, "torch._utils._rebuild_tensor_v2": true, "torch._utils._rebuild_parameter": true}

// steps are the instructions by their byte.
var steps map[byte]func(*machine) error

func init() { // the table names functions that lead back to it
	same := func(x uint64) int64 { return int64(x) }
	steps = map[byte]func(*machine) error{
		0x80: func(m *machine) error { _, err := m.take(1); return err },                           // PROTO
		'}':  func(m *machine) error { return m.push(&dict{}) },                                    // EMPTY_DICT
		']':  func(m *machine) error { return m.push(&list{}) },                                    // EMPTY_LIST
		')':  constant(tuple(nil)),                                                                 // EMPTY_TUPLE
		'(':  constant(mark{}),                                                                     // MARK
		'N':  constant(nil),                                                                        // NONE
		0x88: constant(true),                                                                       // NEWTRUE
		0x89: constant(false),                                                                      // NEWFALSE
		'K':  fixed(1, same),                                                                       // BININT1
		'M':  fixed(2, same),                                                                       // BININT2
		'J':  fixed(4, func(x uint64) int64 { return int64(int32(x)) }),                            // BININT
		0x8a: longInt,                                                                              // LONG1
		'G':  func(m *machine) error { _, err := m.take(8); return errors.Join(err, m.push(nil)) }, // BINFLOAT: no tensor has one
		'X':  text(4),                                                                              // BINUNICODE
		0x8c: text(1),                                                                              // SHORT_BINUNICODE
		0x85: tupleOf(1), 0x86: tupleOf(2), 0x87: tupleOf(3),                                       // TUPLE1 to TUPLE3
		't': func(m *machine) error { // TUPLE
			x, err := m.toMark()
			if err != nil {
				return err
			}
			return m.push(tuple(x))
		},
		'q': put(1), 'r': put(4), 'h': get(1), 'j': get(4), // BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
		'c': globalName, // GLOBAL
		'Q': persistent, // BINPERSID
		'R': reduce,     // REDUCE
		'b': build,      // BUILD
		's': func(m *machine) error { // SETITEM
			x, err := m.popN(2)
			if err != nil {
				return err
			}
			return m.set(x)
		},
		'u': func(m *machine) error { // SETITEMS
			x, err := m.toMark()
			if err != nil {
				return err
			}
			return m.set(x)
		},
		'a': func(m *machine) error { // APPEND
			x, err := m.popN(1)
			if err != nil {
				return err
			}
			return m.extend(x)
		},
		'e': func(m *machine) error { // APPENDS
			x, err := m.toMark()
			if err != nil {
				return err
			}
			return m.extend(x)
		},
	}
}

func longInt(m *machine) error {
	n, err := m.number(1)
	if err != nil {
		return err
	}
	if n > 8 {
		return errors.New("has a number of more than 64 bits")
	}
	b, err := m.take(n)
	if err != nil {
		return err
	}
	x := int64(0)
	for i, v := range b {
		x |= int64(v) << (8 * i)
	}
	if n > 0 && n < 8 && b[n-1] >= 0x80 {
		x -= 1 << (8 * n)
	}
	return m.push(x)
}

func globalName(m *machine) error {
	module, err := m.line()
	if err != nil {
		return err
	}
	name, err := m.line()
	if err != nil {
		return err
	}
	g := global(module + "." + name)
	_, isStorage := dtypes[name]
	if !names[g] && !(module == "torch" && isStorage) {
		return fmt.Errorf("asks for %q, which is no part of a tensor: it is refused, as it could run code", string(g))
	}
	return m.push(g)
}

func persistent(m *machine) error {
	id, err := m.pop()
	if err != nil {
		return err
	}
	s, err := m.a.open(id)
	if err != nil {
		return err
	}
	return m.push(s)
}

// reduce calls one of the allowed names.
func reduce(m *machine) error {
	x, err := m.popN(2)
	if err != nil {
		return err
	}
	g, isName := x[0].(global)
	args, isArgs := x[1].(tuple)
	switch {
	case !isName || !isArgs:
	case g == "collections.OrderedDict" && len(args) == 0:
		return m.push(&dict{})
	case g == "torch._utils._rebuild_tensor_v2":
		t, err := m.rebuild(args)
		if err != nil {
			return err
		}
		return m.push(t)
	case g == "torch._utils._rebuild_parameter" && len(args) > 0:
		if t, ok := args[0].(*safetensors.Tensor); ok {
			return m.push(t)
		}
	}
	return errors.New("calls something else than the rebuilding of a tensor")
}

// build drops the attributes of a dictionary: a state_dict carries its modules' versions there.
func build(m *machine) error {
	x, err := m.popN(2)
	if err != nil {
		return err
	}
	if _, ok := x[0].(*dict); !ok {
		return errors.New("sets attributes of something else than a dictionary")
	}
	return m.push(x[0])
}

func (m *machine) set(x []any) error {
	d, ok := m.top().(*dict)
	if !ok || len(x)%2 != 0 {
		return errors.New("sets items of something else than a dictionary")
	}
	for i := 0; i < len(x); i += 2 {
		d.keys, d.values = append(d.keys, x[i]), append(d.values, x[i+1])
	}
	return nil
}

func (m *machine) extend(x []any) error {
	l, ok := m.top().(*list)
	if !ok {
		return errors.New("appends to something else than a list")
	}
	l.items = append(l.items, x...)
	return nil
}

func (m *machine) top() any {
	if len(m.stack) == 0 {
		return nil
	}
	return m.stack[len(m.stack)-1]
}
