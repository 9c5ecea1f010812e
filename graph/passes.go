package graph

import (
	"fmt"

	"luthier/backend"
)

// pass is one rewriting of the graph.
type pass struct {
	name string
	run  func(r *rewriter)
	why  string // why it stands where it stands
}

// Passes, in order.
var passes = []pass{
	{"dead", dead, "first, so that later passes do not count uses by values that nobody wants"},
	{"common", common, "before fuse: a value computed twice has twice the uses, which hides it from fusion"},
	{"fuse", fuse, "before transpose: fusion looks for the matmul as the model wrote it"},
	{"transpose", transposeB, "after fuse, before recompute: a transposed weight is made once and kept, not recomputed"},
	{"perturb", perturb, "after transpose, which decides how a weight lies, and after fuse: the loader it meets is the one that runs"},
	{"recompute", recompute, "after common, which would merge the recomputed values with the kept ones again"},
	{"dead again", dead, "after fuse and recompute, which leave calls without uses"},
	{"schedule", schedule, "last: it moves updates up to where their gradient is whole, and nothing may be inserted between afterwards"},
}

// PassNames lists the passes in order, with the reason for each place.
func PassNames() [][2]string {
	var out [][2]string
	for _, p := range passes {
		out = append(out, [2]string{p.name, p.why})
	}
	return out
}

// rewriter is what passes work on.
type rewriter struct {
	*Graph
	software  bool
	recompute bool
	noise     *Noise
	forward   bool
	uses      map[*Node][]*Call
}

func runPasses(g *Graph, info backend.Info, o Options) error {
	r := &rewriter{Graph: g, software: info.Class == backend.Software, recompute: o.Recompute, noise: o.Noise, forward: o.Forward}
	if o.Trace != nil {
		o.Trace("built", g)
	}
	for _, p := range passes {
		if o.Skip[p.name] {
			continue
		}
		r.uses = nil
		p.run(r)
		if g.err != nil {
			return fmt.Errorf("pass %s: %w", p.name, g.err)
		}
		if err := g.check(); err != nil {
			return fmt.Errorf("graph: after pass %s: %w", p.name, err)
		}
		if o.Trace != nil {
			o.Trace(p.name, g)
		}
	}
	return nil
}

// check verifies that every input is made before it is used and that types still hold.
func (g *Graph) check() error {
	made := map[*Node]bool{}
	for _, c := range g.calls {
		sigs := make([]Sig, len(c.In))
		for i, in := range c.In {
			if in.leaf == nil && !made[in] {
				return fmt.Errorf("%s (%s) uses %v before it is made", opName(c.Op), c.Where, in)
			}
			sigs[i] = in.Sig
		}
		out, err := c.Op.Infer(sigs)
		if err != nil {
			return fmt.Errorf("%s (%s): %w", opName(c.Op), c.Where, err)
		}
		for i, o := range c.Out {
			if !out[i].Shape.Equal(o.Shape) || out[i].DType != o.DType {
				return fmt.Errorf("%s (%s): output %d is %v, was %v", opName(c.Op), c.Where, i, out[i], o.Sig)
			}
			made[o] = true
		}
	}
	for _, o := range g.outputs {
		if o.leaf == nil && !made[o] {
			return fmt.Errorf("output %v is not made", o)
		}
	}
	return nil
}

// count indexes the uses of each value.
func (r *rewriter) count() map[*Node][]*Call {
	if r.uses == nil {
		r.uses = map[*Node][]*Call{}
		for _, c := range r.calls {
			for _, in := range c.In {
				r.uses[in] = append(r.uses[in], c)
			}
		}
		for _, o := range r.outputs {
			r.uses[o] = append(r.uses[o], nil)
		}
	}
	return r.uses
}

// replace makes every use of old a use of new.
func (r *rewriter) replace(old, new *Node) {
	for _, c := range r.calls {
		for i, in := range c.In {
			if in == old {
				c.In[i] = new
			}
		}
	}
	for i, o := range r.outputs {
		if o == old {
			r.outputs[i] = new
		}
	}
	r.uses = nil
}

// call makes a call in place of, or beside, c: same position, scope and side.
func (r *rewriter) call(like *Call, op Op, in ...*Node) *Call {
	n := &Call{Op: op, In: in, Where: like.Where, Scope: like.Scope, Block: like.Block, grad: like.grad}
	sigs := make([]Sig, len(in))
	for i := range in {
		sigs[i] = in[i].Sig
	}
	out, err := op.Infer(sigs)
	if err != nil {
		r.fail("%s: %v", opName(op), err)
		return n
	}
	for _, s := range out {
		n.Out = append(n.Out, r.node(s, n))
	}
	return n
}

// dead drops calls whose outputs nobody uses and that update nothing.
func dead(r *rewriter) {
	live := map[*Node]bool{}
	for _, o := range r.outputs {
		live[o] = true
	}
	keep := make([]bool, len(r.calls))
	for i := len(r.calls) - 1; i >= 0; i-- {
		c := r.calls[i]
		_, keep[i] = c.Op.(updater)
		for _, o := range c.Out {
			keep[i] = keep[i] || live[o]
		}
		if keep[i] {
			for _, in := range c.In {
				live[in] = true
			}
		}
	}
	out := r.calls[:0]
	for i, c := range r.calls {
		if keep[i] {
			out = append(out, c)
		}
	}
	r.calls = out
}

// common merges calls of equal ops on equal inputs. A value that was updated in between counts as another one.
func common(r *rewriter) {
	seen := map[string]*Call{}
	sub := map[*Node]*Node{}
	version := map[*Node]int{} // of what updates write
	out := r.calls[:0]
	for _, c := range r.calls {
		key := fmt.Sprintf("%T%#v", c.Op, c.Op)
		for i, in := range c.In {
			if s, ok := sub[in]; ok {
				c.In[i] = s
			}
			key += fmt.Sprintf(",%d.%d", c.In[i].id, version[c.In[i].root()])
		}
		u, updates := c.Op.(updater)
		if old := seen[key]; old != nil && !updates {
			for i := range c.Out {
				sub[c.Out[i]] = old.Out[i]
			}
			continue
		}
		if updates {
			for _, i := range u.Updates() {
				version[c.In[i].root()]++
			}
		}
		seen[key] = c
		out = append(out, c)
	}
	r.calls = out
	for i, o := range r.outputs {
		if s, ok := sub[o]; ok {
			r.outputs[i] = s
		}
	}
}

// schedule moves each update up to just behind the last call that makes one of its inputs or reads what it writes, so that a gradient's
// memory is free again at once. Updates keep their order among themselves where one touches what another writes.
func schedule(r *rewriter) {
	var out, moved []*Call
	touch := map[*Node][]*Call{} // calls that have the value, or a view of it, as an input
	for _, c := range r.calls {
		if _, ok := c.Op.(updater); ok && len(c.Out) == 0 {
			moved = append(moved, c)
		} else {
			out = append(out, c)
		}
		for _, in := range c.In {
			touch[in.root()] = append(touch[in.root()], c)
		}
	}
	index, pos := map[*Call]int{}, map[*Call]int{} // place in the graph as built; place in out, behind which a call stands
	for i, c := range r.calls {
		index[c] = i
	}
	for i, c := range out {
		pos[c] = i + 1
	}
	at := make([][]*Call, len(out)+1)
	for _, u := range moved {
		p := 0
		for _, in := range u.In {
			if in.call != nil {
				p = max(p, pos[in.call])
			}
			for _, c := range touch[in.root()] { // an earlier update of what this one reads
				if index[c] < index[u] && writes(c, in) {
					p = max(p, pos[c])
				}
			}
		}
		for _, i := range u.Op.(updater).Updates() {
			for _, c := range touch[u.In[i].root()] {
				if index[c] < index[u] {
					p = max(p, pos[c])
				}
			}
		}
		pos[u] = p
		at[p] = append(at[p], u)
	}
	final := make([]*Call, 0, len(r.calls))
	for i := 0; i <= len(out); i++ {
		final = append(final, at[i]...)
		if i < len(out) {
			final = append(final, out[i])
		}
	}
	r.calls = final
}

// writes tells whether c updates n in place.
func writes(c *Call, n *Node) bool {
	u, ok := c.Op.(updater)
	if !ok {
		return false
	}
	for _, i := range u.Updates() {
		if c.In[i].root() == n.root() {
			return true
		}
	}
	return false
}

// before tells whether a stands before b.
func before(calls []*Call, a, b *Call) bool {
	for _, c := range calls {
		if c == a {
			return true
		}
		if c == b {
			return false
		}
	}
	return false
}
