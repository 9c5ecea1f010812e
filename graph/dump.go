package graph

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Dump writes what compiling does to a directory, to be read by people: NN-stage.txt with the graph after each pass, plan.txt,
// dispatches.txt, and timeline.html, which shows all of it on one page. Give Trace to Options.Trace and the prepared Draft to Draft.
type Dump struct {
	dir    string
	stages []dumpStage
	err    error // of a Trace, which cannot return it
}

// dumpStage is the graph after one pass.
type dumpStage struct {
	Name  string
	Lines []dumpLine
}

// NewDump makes dir if need be. Files of an earlier dump there are replaced; stages that this one lacks are removed.
func NewDump(dir string) (*Dump, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("graph dump: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "[0-9][0-9]-*.txt"))
	if err != nil {
		return nil, fmt.Errorf("graph dump: %w", err)
	}
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			return nil, fmt.Errorf("graph dump: %w", err)
		}
	}
	return &Dump{dir: dir}, nil
}

// Trace writes the graph after a stage. An error is kept for Draft to return.
func (d *Dump) Trace(stage string, g *Graph) {
	s := dumpStage{Name: stage}
	var b strings.Builder
	for _, c := range g.calls {
		s.Lines = append(s.Lines, dumpLine{Text: c.String(), Where: c.place()})
		fmt.Fprintf(&b, "%-100s  %s\n", c, c.place())
	}
	fmt.Fprintf(&b, "outputs %s\n", nodeList(g.outputs, false))
	name := fmt.Sprintf("%02d-%s.txt", len(d.stages), strings.ReplaceAll(stage, " ", "-"))
	d.stages = append(d.stages, s)
	d.write(name, b.String())
}

// Draft writes the plan, the dispatches and the page.
func (d *Dump) Draft(x *Draft) error {
	d.write("plan.txt", planText(x))
	d.write("dispatches.txt", dispatchText(x))
	d.writePage(x)
	return d.err
}

func (d *Dump) write(name, text string) {
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o666); err != nil && d.err == nil {
		d.err = fmt.Errorf("graph dump: %w", err)
	}
}

// String is a call in one line: outputs, op with the attributes that are set, inputs with their types.
func (c *Call) String() string {
	out := ""
	if len(c.Out) > 0 {
		out = nodeList(c.Out, true) + " = "
	}
	return out + opText(c.Op) + "(" + nodeList(c.In, true) + ")"
}

// place says where a call comes from: its scope, the line that made it, and what side of the graph it is on.
func (c *Call) place() string {
	s := strings.TrimSpace(c.Scope + " " + c.Where)
	if c.Block > 0 {
		s += fmt.Sprintf(" block %d", c.Block)
	}
	if c.grad {
		s += " backward"
	}
	return s
}

func nodeList(ns []*Node, types bool) string {
	var s []string
	for _, n := range ns {
		if types {
			s = append(s, fmt.Sprintf("%v %v", n, n.Sig))
		} else {
			s = append(s, n.String())
		}
	}
	return strings.Join(s, ", ")
}

// opText is an op's name and its fields that are not zero.
func opText(op Op) string {
	attrs := attributes(reflect.ValueOf(op))
	if len(attrs) == 0 {
		return opName(op)
	}
	return opName(op) + "{" + strings.Join(attrs, " ") + "}"
}

func attributes(v reflect.Value) []string {
	var out []string
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case v.Type().Field(i).Anonymous:
			out = append(out, attributes(f)...)
		case f.IsZero():
		case f.Kind() == reflect.Bool:
			out = append(out, v.Type().Field(i).Name)
		default:
			out = append(out, fmt.Sprintf("%s:%v", v.Type().Field(i).Name, f))
		}
	}
	return out
}

// planText is the plan by category, and then every storage: by category, arena, offset.
func planText(x *Draft) string {
	var b strings.Builder
	b.WriteString(x.Plan.String())
	for i, n := range x.Plan.Arenas {
		fmt.Fprintf(&b, "arena %d: %d bytes\n", i, n)
	}
	items := slices.Clone(x.Plan.Items)
	slices.SortStableFunc(items, func(a, b PlanItem) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Arena, b.Arena), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.First, b.First))
	})
	for i, it := range items {
		if i == 0 || it.Kind != items[i-1].Kind {
			fmt.Fprintf(&b, "\n%s\n%12s %14s %12s %11s  %s\n", it.Kind, "bytes", "place", "offset", "life", "name")
		}
		place, offset := "own buffer", "-"
		if it.Arena >= 0 {
			place, offset = fmt.Sprint("arena ", it.Arena), fmt.Sprint(it.Offset)
		}
		fmt.Fprintf(&b, "%12d %14s %12s %5d-%-5d  %s\n", it.Bytes, place, offset, it.First, it.Last, x.itemName(it))
	}
	return b.String()
}

// itemName is a storage's name and the command that writes it first.
func (x *Draft) itemName(it PlanItem) string {
	if it.Arena < 0 || it.First < 0 || it.First >= len(x.low.cmds) {
		return it.Name
	}
	return it.Name + " " + x.low.cmds[it.First].label()
}

// dispatchText lists the commands in the order in which a device runs them.
func dispatchText(x *Draft) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6s %14s %14s  %-48s %s\n", "", "operations", "workgroups", "kernel", "from")
	for i := range x.low.cmds {
		c := &x.low.cmds[i]
		where := ""
		if c.call != nil {
			where = c.call.Where
		}
		fmt.Fprintf(&b, "%6d %14.0f %14s  %-48s %s %s\n", i, c.flops, groupText(c.groups), c.kernel.Key, c.label(), where)
	}
	return b.String()
}

func groupText(g [3]uint32) string { return fmt.Sprintf("%dx%dx%d", g[0], g[1], g[2]) }
