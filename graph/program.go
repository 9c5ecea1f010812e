package graph

import (
	"context"
	"fmt"

	"luthier/backend"
)

// Options say how to compile.
type Options struct {
	Forward   bool            // no program of this store has a backward pass: trained weights may be kept transposed, as frozen ones are
	Noise     *Noise          // perturb trained weights where they are loaded
	Recompute bool            // drop the activations inside blocks and run their forward again in the backward pass
	Unplanned bool            // give every transient memory of its own: for tests of the plan
	Skip      map[string]bool // passes to leave out, by name: for tests of passes
	Trace     func(stage string, g *Graph)
}

// Draft is a graph after passes, lowering and planning: all is known, nothing is allocated.
type Draft struct {
	Graph *Graph
	Plan  *Plan
	low   *Lowerer
}

// Used lists the leaves that the program reads or writes, in order of declaration.
func (d *Draft) Used() []*Node {
	var out []*Node
	for _, n := range d.Graph.order {
		for _, s := range d.low.byNode[n] {
			if s.first >= 0 {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

// Program is a compiled graph. Run replays its one recording.
type Program struct {
	Plan  *Plan
	store *Store
	rec   *backend.Recording
	bufs  map[*Node]backend.Buffer
	in    map[string]*tensor
}

// Prepare runs the passes, lowers and plans for an adapter with these limits. The graph is used up.
func Prepare(g *Graph, info backend.Info, lim backend.Limits, o Options) (*Draft, error) {
	if g.err != nil {
		return nil, g.err
	}
	if err := runPasses(g, info, o); err != nil {
		return nil, err
	}
	l, err := lower(g, info, lim)
	if err != nil {
		return nil, err
	}
	plan, err := makePlan(l)
	if err != nil {
		return nil, err
	}
	if o.Trace != nil {
		o.Trace("lowered", g)
	}
	if o.Unplanned {
		spread(l, plan)
	}
	return &Draft{g, plan, l}, nil
}

// spread gives every transient a place of its own.
func spread(l *Lowerer, p *Plan) {
	p.Arenas = nil
	for _, s := range l.all {
		if s.leaf == nil && (s.first >= 0 || s.keep) {
			s.arena, s.off = len(p.Arenas), 0
			p.Arenas = append(p.Arenas, padded(s.elems, s.dtype))
		}
	}
}

// Compile prepares g and binds it to the store's device.
func Compile(g *Graph, s *Store, o Options) (*Program, error) {
	d, err := Prepare(g, s.dev.Info(), s.dev.Limits(), o)
	if err != nil {
		return nil, err
	}
	return d.Bind(s)
}

// Bind allocates what the store lacks and makes the recording.
func (d *Draft) Bind(s *Store) (*Program, error) {
	if err := s.reserve(d.Plan.Arenas); err != nil {
		return nil, err
	}
	bufs := map[*storage]backend.Buffer{}
	for _, st := range d.low.all {
		if st.leaf == nil && st.first < 0 && !st.keep {
			continue
		}
		b, err := s.buffer(st, d.low)
		if err != nil {
			return nil, err
		}
		bufs[st] = b
	}
	rec := &backend.Recording{}
	for i := range d.low.cmds {
		c := &d.low.cmds[i]
		x := backend.Dispatch{Kernel: c.kernel, Groups: c.groups, Uniform: c.uniform, Flops: c.flops, Label: c.label()}
		for _, st := range c.args {
			x.Args = append(x.Args, bufs[st])
		}
		rec.Dispatches = append(rec.Dispatches, x)
	}
	p := &Program{Plan: d.Plan, store: s, rec: rec, bufs: map[*Node]backend.Buffer{}, in: map[string]*tensor{}}
	for _, n := range d.Graph.order {
		if t := s.leaves[key(n)]; n.leaf.Kind == Input && t != nil && d.low.byNode[n] != nil {
			p.in[n.leaf.Name] = t
		}
	}
	for i, n := range d.Graph.outputs {
		p.bufs[d.Graph.asked[i]] = bufs[d.low.byNode[n.root()][0]]
	}
	return p, nil
}

func (c *command) label() string {
	if c.call == nil {
		return c.kernel.Name
	}
	return c.call.Scope + "/" + opName(c.call.Op)
}

// buffer is the device memory of a storage.
func (s *Store) buffer(st *storage, l *Lowerer) (backend.Buffer, error) {
	if st.leaf != nil {
		t, err := s.ensure(st.leaf, l.rowsPerPart(st.leaf.Sig))
		if err != nil {
			return nil, err
		}
		return t.parts[st.part], nil
	}
	return s.dev.View(s.arenas[st.arena], int(st.off/4), int(padded(st.elems, st.dtype)/4), st.dtype)
}

// Run queues the program once.
func (p *Program) Run(ctx context.Context) error { return p.store.dev.Run(ctx, p.rec) }

// Wants tells whether the program reads the input of that name.
func (p *Program) Wants(input string) bool { return p.in[input] != nil }

// Write sets an input before a run; a program that does not read it ignores it.
func (p *Program) Write(input string, data []byte) error {
	t := p.in[input]
	if t == nil {
		return nil
	}
	return p.store.write(input, t, data)
}

// Recording is what Run replays, for profiles.
func (p *Program) Recording() *backend.Recording { return p.rec }

// Read waits and returns the bytes of an output.
func (p *Program) Read(ctx context.Context, n *Node) ([]byte, error) {
	b, ok := p.bufs[n]
	if !ok {
		return nil, fmt.Errorf("graph: %v is no output of this program", n)
	}
	raw, err := backend.Read(ctx, p.store.dev, b)
	if err != nil {
		return nil, err
	}
	return raw[:n.DType.Bytes(n.store())], nil
}

// Buffer is where an output lies.
func (p *Program) Buffer(n *Node) backend.Buffer { return p.bufs[n] }
