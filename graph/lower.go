package graph

import (
	"fmt"

	"luthier/backend"
	"luthier/shaders"
)

// storage is memory that some values live in: a leaf's, or a transient's that the plan gives a place.
type storage struct {
	id    int
	name  string
	elems int
	dtype backend.DType
	leaf  *Node // the leaf that lives here, nil for transients
	part  int   // with leaf: which part of it
	kind  Category
	keep  bool // read by the host: lives to the end
	first int  // first and last command that touch it
	last  int
	arena int // place, set by the plan
	off   int64
}

// Category sorts memory for the plan's printout.
type Category uint8

// Categories of memory, in the order in which they are printed.
const (
	Weights     Category = iota // frozen weights
	Params                      // trainable weights
	States                      // optimizer moments, accumulators, caches
	Inputs                      // batches and step scalars
	Activations                 // forward values
	Gradients                   // backward values
	Scratch                     // temporaries inside one call
	categories
)

func (c Category) String() string {
	return [...]string{"frozen weights", "trainable weights", "optimizer and other state", "inputs", "activations", "gradients", "scratch"}[c]
}

// Ref is a storage as a kernel argument.
type Ref struct{ s *storage }

// Part is a range of rows of a value. Values above the adapter's binding limit lie in several.
type Part struct {
	Ref
	Row0, Rows int
}

// command is a dispatch on storages.
type command struct {
	kernel  *shaders.Kernel
	groups  [3]uint32
	args    []*storage
	uniform []byte
	flops   float64
	call    *Call
}

// Lowerer turns calls into commands. Its first error sticks.
type Lowerer struct {
	Info   backend.Info
	Limits backend.Limits
	cmds   []command
	byNode map[*Node][]*storage
	all    []*storage
	call   *Call
	err    error
}

// Software tells whether kernels for software adapters are wanted.
func (l *Lowerer) Software() bool { return l.Info.Class == backend.Software }

// WG is the workgroup size of row and column kernels on this class of adapter: one subgroup on software adapters, where a barrier then
// costs nothing.
func (l *Lowerer) WG() int {
	if l.Software() {
		return 8
	}
	return flatWG
}

// flatWG is the workgroup size of kernels whose threads do not meet. Software adapters want it too: a workgroup costs them 0.1 us.
const flatWG = 64

func (l *Lowerer) fail(err error) {
	if l.err == nil && err != nil {
		if l.call != nil {
			err = fmt.Errorf("%s: %s %s: %w", l.call.Where, opName(l.call.Op), l.call.Scope, err)
		}
		l.err = err
	}
}

// Parts are the storages of n by rows of its last dimension but one: one part, unless n is above the binding limit.
func (l *Lowerer) Parts(n *Node) []Part {
	n = n.root()
	ss := l.byNode[n]
	if ss == nil {
		ss = l.place(n)
		l.byNode[n] = ss
	}
	per := l.rowsPerPart(n.Sig)
	parts := make([]Part, len(ss))
	for i, s := range ss {
		parts[i] = Part{Ref{s}, i * per, min(per, n.Shape.Rows()-i*per)}
	}
	return parts
}

// Ref is the single storage of n.
func (l *Lowerer) Ref(n *Node) Ref {
	p := l.Parts(n)
	if len(p) != 1 {
		l.fail(&backend.LimitError{What: "bytes in one piece for " + described(n), Want: n.DType.Bytes(n.store()), Have: l.Limits.MaxBinding})
	}
	return p[0].Ref
}

// described names a value for people: a weight, or what computes it and where in the model, with its shape.
func described(n *Node) string {
	switch {
	case n.leaf != nil:
		return fmt.Sprintf("%s, %v", n.leaf.Name, n.Sig)
	case n.call.grad:
		return fmt.Sprintf("a gradient at %s, %v", place(n.call), n.Sig)
	}
	return fmt.Sprintf("the result of %s, %v", place(n.call), n.Sig)
}

// place is an op with the module it belongs to.
func place(c *Call) string {
	if c == nil {
		return "the program"
	}
	if c.Scope == "" {
		return opName(c.Op)
	}
	return opName(c.Op) + " in " + c.Scope
}

// rowsPerPart is how many rows fit a binding.
func (l *Lowerer) rowsPerPart(s Sig) int {
	rows := s.Shape.Rows()
	if padded(s.store(), s.DType) <= l.Limits.MaxBinding {
		return max(rows, 1)
	}
	per := int((l.Limits.MaxBinding - 256) / max(1, s.DType.Bytes(s.ld())))
	if per >= 4 {
		per &^= 3 // so that a part begins where vec4 kernels can
	}
	return max(1, per)
}

func (l *Lowerer) place(n *Node) []*storage {
	per, rows := l.rowsPerPart(n.Sig), n.Shape.Rows()
	var ss []*storage
	for r := 0; r < rows || r == 0; r += per {
		s := &storage{id: len(l.all), name: n.String(), elems: min(per, rows-r) * n.ld(), dtype: n.DType, part: len(ss), kind: category(n)}
		if n.leaf != nil {
			s.leaf = n
		}
		l.all = append(l.all, s)
		ss = append(ss, s)
	}
	return ss
}

func category(n *Node) Category {
	if n.leaf != nil {
		return [...]Category{Weights, Params, States, Inputs}[n.leaf.Kind]
	}
	if n.call.grad {
		return Gradients
	}
	return Activations
}

// Temp is scratch memory of n f32 elements for the call being lowered. Its first dispatch must write it.
func (l *Lowerer) Temp(n int) Ref {
	s := &storage{id: len(l.all), name: "scratch", elems: n, kind: Scratch}
	if b := padded(n, backend.F32); b > l.Limits.MaxBinding {
		l.fail(&backend.LimitError{What: "bytes in one piece for scratch memory of " + place(l.call), Want: b, Have: l.Limits.MaxBinding})
	}
	l.all = append(l.all, s)
	return Ref{s}
}

// Args names the storages of one dispatch by the kernel's bindings.
type Args map[string]Ref

// Dispatch emits one kernel launch; groups as backend.Grid or the kernel's header say.
func (l *Lowerer) Dispatch(kernel string, c shaders.Consts, groups [3]uint32, args Args, u backend.U, flops float64) {
	if l.err != nil {
		return
	}
	k, err := shaders.Load(kernel, c)
	if err != nil {
		l.fail(err)
		return
	}
	cmd := command{kernel: k, groups: groups, flops: flops, call: l.call}
	for _, g := range groups {
		if g > l.Limits.MaxGroups {
			l.fail(&backend.LimitError{What: "workgroups of kernel " + k.Name + " for " + place(l.call), Want: int64(g), Have: int64(l.Limits.MaxGroups)})
		}
	}
	for _, b := range k.Bindings {
		r, ok := args[b.Name]
		if !ok || r.s == nil {
			l.fail(fmt.Errorf("shaders/%s.wgsl: binding %s not given", k.Name, b.Name))
			return
		}
		cmd.args = append(cmd.args, r.s)
	}
	if len(args) != len(k.Bindings) {
		l.fail(fmt.Errorf("shaders/%s.wgsl: %d buffers given, it has %d bindings", k.Name, len(args), len(k.Bindings)))
		return
	}
	if cmd.uniform, err = backend.PackUniform(k, u); err != nil {
		l.fail(err)
		return
	}
	l.cmds = append(l.cmds, cmd)
}

// flat dispatches an elementwise kernel over n elements, one thread a vec4.
func (l *Lowerer) flat(kernel string, c shaders.Consts, n int, args Args, u backend.U) {
	n4 := up4(n) / 4
	if u == nil {
		u = backend.U{}
	}
	u["n4"] = n4
	l.threads(kernel, c, n4, args, u, float64(n))
}

// threads dispatches a kernel with one thread for each of n items that do not meet.
func (l *Lowerer) threads(kernel string, c shaders.Consts, n int, args Args, u backend.U, flops float64) {
	k := shaders.Consts{"WG": flatWG}
	for name, v := range c {
		k[name] = v
	}
	l.Dispatch(kernel, k, backend.Grid((n+flatWG-1)/flatWG), args, u, flops)
}

// rows dispatches a kernel with one workgroup a row.
func (l *Lowerer) rows(kernel string, c shaders.Consts, rows int, args Args, u backend.U) {
	u["rows"] = rows
	l.Dispatch(kernel, l.wg(c), backend.Grid(rows), args, u, float64(rows))
}

// wg adds the workgroup size to the constants.
func (l *Lowerer) wg(c shaders.Consts) shaders.Consts {
	out := shaders.Consts{"WG": l.WG()}
	for k, v := range c {
		out[k] = v
	}
	return out
}

// lower runs every call's Lower in order.
func lower(g *Graph, info backend.Info, lim backend.Limits) (*Lowerer, error) {
	l := &Lowerer{Info: info, Limits: lim, byNode: map[*Node][]*storage{}}
	for _, c := range g.calls {
		l.call = c
		c.Op.Lower(l, c)
		if l.err != nil {
			return nil, l.err
		}
	}
	l.call = nil
	for _, n := range g.outputs {
		for _, p := range l.Parts(n) {
			p.s.keep = true
		}
	}
	return l, l.err
}
