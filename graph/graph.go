// Package graph builds a training or inference step as a graph of tensor operations and compiles it to a backend.Recording.
//
// A Node is a value with a static shape; an Op is a small struct whose fields are its attributes. Building never panics and returns no
// errors op by op: the first mistake sticks, with the caller's file and line, and Err or Compile reports it. Gradients are more nodes
// (Grad); passes rewrite the graph (Passes); Lower turns calls into dispatches on symbolic storages; the plan gives the storages their
// places before anything is allocated.
package graph

import (
	"fmt"
	"runtime"
	"strings"

	"luthier/backend"
)

// Graph is one program under construction. It is not safe for concurrent use.
type Graph struct {
	calls   []*Call
	leaves  map[string]*Node
	order   []*Node // leaves in order of declaration
	outputs []*Node // values that the host reads: they live to the end. Passes may replace them
	asked   []*Node // the same as they were asked for
	scope   []string
	block   int // current block for recompute, 0 outside
	blocks  int
	nodes   int
	err     error
	one     *Node
}

// New returns an empty graph.
func New() *Graph { return &Graph{leaves: map[string]*Node{}} }

// Sig is the type of a value: its shape, row-major, and storage type. LD is the distance of rows in elements where it is not the last
// dimension (only Transpose makes such values and only MatMul takes them).
type Sig struct {
	Shape Shape
	DType backend.DType
	LD    int
}

// Node is a value: an output of a Call, or a leaf.
type Node struct {
	Sig
	g    *Graph
	id   int
	call *Call // nil for leaves
	leaf *Leaf // nil for computed values
}

// Call is one application of an Op.
type Call struct {
	Op    Op
	In    []*Node
	Out   []*Node
	Where string // file:line of the code outside this package that made it
	Scope string // e.g. model.layers.3.mlp
	Block int    // recompute block, 0 for none
	grad  bool   // made by Grad: backward work
}

// Op is one operation. Its struct fields are its attributes; two Ops that print alike compute alike.
type Op interface {
	// Infer checks the inputs and gives the outputs' types.
	Infer(in []Sig) ([]Sig, error)
	// Lower emits the dispatches of c.
	Lower(l *Lowerer, c *Call)
	// VJP gives the gradient of each input from those of the outputs (nil: no gradient flows there). need says which inputs want one.
	VJP(c *Call, dy []*Node, need []bool) []*Node
}

// updater is an Op that writes some of its inputs in place: optimizer steps, accumulation, cache writes. Inputs listed must be states or
// trainable weights.
type updater interface{ Updates() []int }

// Err is the first mistake made while building.
func (g *Graph) Err() error { return g.err }

// fail records the first mistake with the position of the caller outside this package.
func (g *Graph) fail(format string, a ...any) {
	if g.err == nil {
		g.err = fmt.Errorf("%s: %s", where(), fmt.Sprintf(format, a...))
	}
}

// where finds the first frame outside this package (tests of this package count as outside).
func where() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "luthier/graph.") || strings.HasSuffix(f.File, "_test.go") {
			file := f.File
			if i := strings.LastIndex(file, "/"); i >= 0 {
				if j := strings.LastIndex(file[:i], "/"); j >= 0 {
					file = file[j+1:]
				}
			}
			return fmt.Sprintf("%s:%d", file, f.Line)
		}
		if !more {
			return "?"
		}
	}
}

// Scope names the part of the model being built; the function returned ends it.
func (g *Graph) Scope(name string) func() {
	g.scope = append(g.scope, name)
	return func() { g.scope = g.scope[:len(g.scope)-1] }
}

// Block starts a region whose inner values may be recomputed in the backward pass instead of kept; the function returned ends it.
func (g *Graph) Block() func() {
	g.blocks++
	old := g.block
	g.block = g.blocks
	return func() { g.block = old }
}

// apply adds a call and returns its outputs.
func (g *Graph) apply(op Op, in ...*Node) []*Node {
	c := &Call{Op: op, In: in, Where: where(), Scope: strings.Join(g.scope, "."), Block: g.block}
	sigs := make([]Sig, len(in))
	for i, n := range in {
		if n == nil {
			g.fail("%s: input %d is nil", opName(op), i)
			return g.broken(op)
		}
		if n.g != g {
			g.fail("%s: input %d belongs to another graph", opName(op), i)
			return g.broken(op)
		}
		sigs[i] = n.Sig
	}
	if g.err != nil {
		return g.broken(op)
	}
	out, err := op.Infer(sigs)
	if err == nil {
		err = writable(op, in)
	}
	if err != nil {
		g.fail("%s: %v", opName(op), err)
		return g.broken(op)
	}
	for _, s := range out {
		c.Out = append(c.Out, g.node(s, c))
	}
	g.calls = append(g.calls, c)
	return c.Out
}

// writable checks that what op updates in place are states or trainable weights.
func writable(op Op, in []*Node) error {
	u, ok := op.(updater)
	if !ok {
		return nil
	}
	for _, i := range u.Updates() {
		if l := in[i].root().leaf; l == nil || (l.Kind != State && l.Kind != Trainable) {
			return fmt.Errorf("input %d, %v, is updated in place: want a state or a trainable weight", i, in[i])
		}
	}
	return nil
}

func (g *Graph) node(s Sig, c *Call) *Node {
	g.nodes++
	return &Node{Sig: s, g: g, id: g.nodes, call: c}
}

// broken stands in for the outputs of a call that could not be made, so that building goes on without checks everywhere.
func (g *Graph) broken(Op) []*Node {
	n := g.node(Sig{Shape: Shape{1}}, nil)
	return []*Node{n, n, n, n}
}

// Output marks values that the host reads after a run; their memory lives to the end of the program.
func (g *Graph) Output(ns ...*Node) {
	for _, n := range ns {
		if n == nil {
			g.fail("Output: nil")
			return
		}
		g.outputs, g.asked = append(g.outputs, n), append(g.asked, n)
	}
}

// opName is the Op's type name without its package.
func opName(op Op) string {
	s := fmt.Sprintf("%T", op)
	return s[strings.LastIndex(s, ".")+1:]
}

// String shows a node in dumps and errors.
func (n *Node) String() string {
	if n.leaf != nil {
		return n.leaf.Name
	}
	return fmt.Sprintf("%%%d", n.id)
}

// root follows views to the value whose storage n shares.
func (n *Node) root() *Node {
	for n.call != nil {
		if _, ok := n.call.Op.(reshape); !ok {
			break
		}
		n = n.call.In[0]
	}
	return n
}

// Leaf returns what a leaf is, nil for computed values.
func (n *Node) Leaf() *Leaf { return n.leaf }

// Graph returns the graph that n belongs to.
func (n *Node) Graph() *Graph { return n.g }
