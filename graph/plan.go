package graph

import (
	"fmt"
	"sort"
	"strings"

	"luthier/backend"
)

// align is the distance of places in arenas, the largest offset alignment that WebGPU allows an adapter to ask.
const align = 256

// padded is the memory of n elements: a multiple of align, so that vec4 access of the tail stays inside.
func padded(n int, t backend.DType) int64 {
	return (t.Bytes(max(n, 1)) + align - 1) / align * align
}

// Plan is the memory of one program, known before anything is allocated.
type Plan struct {
	Arenas     []int64           // bytes of each transient arena
	Persistent [categories]int64 // bytes of leaves by category
	Transient  [categories]int64 // bytes of transients alive at the peak, by category
	Items      []PlanItem        // every storage
	Commands   int
}

// PlanItem is one storage's place and life.
type PlanItem struct {
	Name        string
	Kind        Category
	Bytes       int64
	Arena       int // -1: persistent
	Offset      int64
	First, Last int // commands
}

// Total is what the program needs on the device: persistent memory and arenas.
func (p *Plan) Total() int64 {
	t := int64(0)
	for _, b := range p.Persistent {
		t += b
	}
	return t + p.ArenaBytes()
}

// ArenaBytes is the transient memory.
func (p *Plan) ArenaBytes() int64 {
	t := int64(0)
	for _, b := range p.Arenas {
		t += b
	}
	return t
}

// Join is the memory of two programs of one store: leaves that both have are there once, and arenas are as large as either wants. Transients
// are those of the program that needs more at once; Items lists the places of p, and the leaves that only q has.
func (p *Plan) Join(q *Plan) *Plan {
	out := *p
	have := map[string]bool{}
	for _, i := range p.Items {
		have[i.Name] = have[i.Name] || i.Arena < 0
	}
	out.Items = append([]PlanItem(nil), p.Items...)
	for _, i := range q.Items {
		if i.Arena < 0 && !have[i.Name] {
			out.Items = append(out.Items, i)
			out.Persistent[i.Kind] += i.Bytes
		}
	}
	if q.ArenaBytes() > p.ArenaBytes() {
		out.Transient = q.Transient
	}
	out.Arenas = append([]int64(nil), p.Arenas...)
	for i, n := range q.Arenas {
		if i == len(out.Arenas) {
			out.Arenas = append(out.Arenas, 0)
		}
		out.Arenas[i] = max(out.Arenas[i], n)
	}
	out.Commands += q.Commands
	return &out
}

// makePlan finds when each storage lives and packs transients into arenas of at most MaxBinding bytes: largest first, each at the lowest
// place that no storage alive at the same time holds.
func makePlan(l *Lowerer) (*Plan, error) {
	for _, s := range l.all {
		s.first, s.last = -1, -1
	}
	for i := range l.cmds {
		for _, s := range l.cmds[i].args {
			if s.first < 0 {
				s.first = i
			}
			s.last = i
		}
	}
	p := &Plan{Commands: len(l.cmds)}
	var transient []*storage
	for _, s := range l.all {
		switch {
		case s.leaf != nil:
			p.Persistent[s.kind] += padded(s.elems, s.dtype)
			s.arena = -1
		case s.first < 0 && !s.keep:
			s.arena = -1
		default:
			if s.dtype == backend.BF16 {
				return nil, fmt.Errorf("graph: %s is a bf16 value that is computed; only leaves are bf16", s.name)
			}
			if s.keep {
				s.last = len(l.cmds)
			}
			transient = append(transient, s)
		}
	}
	pack(p, transient, l.Limits.MaxBinding)
	p.peak(transient)
	for _, s := range l.all {
		if s.leaf != nil || s.first >= 0 || s.keep {
			p.Items = append(p.Items, PlanItem{s.name, s.kind, padded(s.elems, s.dtype), s.arena, s.off, s.first, s.last})
		}
	}
	return p, nil
}

func pack(p *Plan, transient []*storage, limit int64) {
	order := append([]*storage(nil), transient...)
	sort.SliceStable(order, func(i, j int) bool { return order[i].elems > order[j].elems })
	placed := [][]*storage{}
	for _, s := range order {
		size := padded(s.elems, s.dtype)
		done := false
		for a := 0; a < len(placed) && !done; a++ {
			if off := gap(placed[a], s, size); off+size <= limit {
				s.arena, s.off = a, off
				placed[a] = insert(placed[a], s)
				p.Arenas[a] = max(p.Arenas[a], off+size)
				done = true
			}
		}
		if !done {
			s.arena, s.off = len(placed), 0
			placed = append(placed, []*storage{s})
			p.Arenas = append(p.Arenas, size)
		}
	}
}

// gap is the lowest offset where size bytes are free while s lives. in is sorted by offset.
func gap(in []*storage, s *storage, size int64) int64 {
	off := int64(0)
	for _, o := range in {
		if o.last < s.first || o.first > s.last {
			continue
		}
		if o.off >= off+size {
			break
		}
		off = max(off, o.off+padded(o.elems, o.dtype))
	}
	return off
}

func insert(in []*storage, s *storage) []*storage {
	i := sort.Search(len(in), func(i int) bool { return in[i].off > s.off })
	in = append(in, nil)
	copy(in[i+1:], in[i:])
	in[i] = s
	return in
}

// peak fills Transient with what lives at the command where most does.
func (p *Plan) peak(transient []*storage) {
	delta := make([]int64, p.Commands+2)
	for _, s := range transient {
		delta[s.first] += padded(s.elems, s.dtype)
		delta[s.last+1] -= padded(s.elems, s.dtype)
	}
	best, at, sum := int64(-1), 0, int64(0)
	for i, d := range delta {
		if sum += d; sum > best {
			best, at = sum, i
		}
	}
	for _, s := range transient {
		if s.first <= at && at <= s.last {
			p.Transient[s.kind] += padded(s.elems, s.dtype)
		}
	}
}

// String prints the plan by category, in MiB.
func (p *Plan) String() string {
	var b strings.Builder
	row := func(name string, n int64) {
		if n > 0 {
			fmt.Fprintf(&b, "  %-28s %10.2f MiB\n", name, float64(n)/(1<<20))
		}
	}
	alive := int64(0)
	for c := Category(0); c < categories; c++ {
		row(c.String(), p.Persistent[c]+p.Transient[c])
		alive += p.Transient[c]
	}
	row("lost between places", p.ArenaBytes()-alive)
	row("total", p.Total())
	return b.String()
}
