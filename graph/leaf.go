package graph

import (
	"luthier/backend"
)

// Kind says what a leaf is, which decides where its memory lies and who fills it.
type Kind uint8

// Kinds of leaves.
const (
	Frozen    Kind = iota // a weight that no update writes
	Trainable             // a weight that updates write; f32, or bf16 where no gradient is taken
	State                 // zero at start and updated in place: moments, accumulators, caches
	Input                 // written by the host before each run
)

func (k Kind) String() string { return [...]string{"frozen", "trainable", "state", "input"}[k] }

// Leaf is a named value that comes from outside the program. Programs that share a Store share leaves by name.
type Leaf struct {
	Name string
	Kind Kind
	Of   string // for a Frozen leaf that is another leaf transposed: the other's name; else ""
	From Sig    // with Of: the other's type
}

// leafOf declares a leaf, or returns the one of that name.
func (g *Graph) leafOf(l Leaf, s Sig) *Node {
	if n, ok := g.leaves[l.Name]; ok {
		if n.leaf.Kind != l.Kind || !n.Shape.Equal(s.Shape) || n.DType != s.DType {
			g.fail("leaf %s declared as %s %v and as %s %v", l.Name, n.leaf.Kind, n.Sig, l.Kind, s)
		}
		return n
	}
	for _, d := range s.Shape {
		if d <= 0 {
			g.fail("leaf %s has shape %v", l.Name, s.Shape)
		}
	}
	n := g.node(s, nil)
	n.leaf = &l
	g.leaves[l.Name] = n
	g.order = append(g.order, n)
	return n
}

// Weight declares a weight by its name in the checkpoint. A weight that a gradient trains is f32.
func (g *Graph) Weight(name string, t backend.DType, trainable bool, shape ...int) *Node {
	k := Frozen
	if trainable {
		k = Trainable
		if t == backend.U32 {
			g.fail("trainable weight %s has storage type %s, want f32 or bf16", name, t)
		}
	}
	return g.leafOf(Leaf{Name: name, Kind: k}, Sig{Shape: shape, DType: t})
}

// StateOf declares a state, f32, zero at start.
func (g *Graph) StateOf(name string, shape ...int) *Node {
	return g.leafOf(Leaf{Name: name, Kind: State}, f32(shape...))
}

// InputOf declares a value that the host writes before each run.
func (g *Graph) InputOf(name string, t backend.DType, shape ...int) *Node {
	return g.leafOf(Leaf{Name: name, Kind: Input}, Sig{Shape: shape, DType: t})
}

// Again declares the same leaf as in another graph.
func (g *Graph) Again(n *Node) *Node { return g.leafOf(*n.leaf, n.Sig) }

// Leaves lists the leaves in order of declaration.
func (g *Graph) Leaves() []*Node { return g.order }

// Find returns the leaf of that name, nil if there is none.
func (g *Graph) Find(name string) *Node { return g.leaves[name] }
