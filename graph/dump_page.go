package graph

import (
	_ "embed"
	"html/template"
	"slices"
	"strings"
)

//go:embed dump.html
var dumpHTML string

var dumpTemplate = template.Must(template.New("timeline").Parse(dumpHTML))

// dumpLine is a call in a stage. Change says what the next or the last pass did: "add" it is new here, "del" it is gone in the next
// stage, "both", "move" it stood elsewhere among the calls that stayed, "" nothing.
type dumpLine struct{ Text, Where, Change string }

// dumpPage is the data of timeline.html.
type dumpPage struct {
	Plan       string
	Categories []string
	Arenas     []int64
	Commands   []dumpCommand
	Items      []dumpItem
	Stages     []dumpStage
}

type dumpCommand struct {
	Kernel, Groups, Label, Where string
	Flops                        float64
}

type dumpItem struct {
	Name          string
	Kind, Arena   int
	Offset, Bytes int64
	First, Last   int
}

func (d *Dump) writePage(x *Draft) {
	p := dumpPage{Plan: x.Plan.String(), Arenas: x.Plan.Arenas, Stages: d.stages}
	for c := Category(0); c < categories; c++ {
		p.Categories = append(p.Categories, c.String())
	}
	for i := range x.low.cmds {
		c := &x.low.cmds[i]
		out := dumpCommand{Kernel: c.kernel.Key, Groups: groupText(c.groups), Label: c.label(), Flops: c.flops}
		if c.call != nil {
			out.Where = c.call.Where
		}
		p.Commands = append(p.Commands, out)
	}
	for _, it := range x.Plan.Items {
		if it.Arena >= 0 {
			p.Items = append(p.Items, dumpItem{Name: x.itemName(it), Kind: int(it.Kind), Arena: it.Arena, Offset: it.Offset, Bytes: it.Bytes,
				First: it.First, Last: it.Last})
		}
	}
	for i := 1; i < len(d.stages); i++ {
		markChanges(d.stages[i-1].Lines, d.stages[i].Lines)
	}
	var b strings.Builder
	if err := dumpTemplate.Execute(&b, p); err != nil && d.err == nil {
		d.err = err
		return
	}
	d.write("timeline.html", b.String())
}

// markChanges compares two stages line by line. Lines that both have and that keep their order are unchanged.
func markChanges(old, new []dumpLine) {
	at := map[string][]int{}
	for i, l := range old {
		at[l.Text] = append(at[l.Text], i)
	}
	var common, from []int // indices into new, and where each stood in old
	for i := range new {
		if was := at[new[i].Text]; len(was) > 0 {
			common, from = append(common, i), append(from, was[0])
			at[new[i].Text] = was[1:]
		} else {
			new[i].Change = "add"
		}
	}
	kept := increasing(from)
	for k, i := range common {
		if !kept[k] {
			new[i].Change = "move"
		}
	}
	for _, gone := range at {
		for _, i := range gone {
			if old[i].Change == "add" {
				old[i].Change = "both"
			} else {
				old[i].Change = "del"
			}
		}
	}
}

// increasing marks a longest increasing subsequence of x.
func increasing(x []int) []bool {
	var tails []int // tails[k]: index of the smallest end of a subsequence of length k + 1
	prev := make([]int, len(x))
	for i, v := range x {
		k, _ := slices.BinarySearchFunc(tails, v, func(t, v int) int { return x[t] - v })
		prev[i] = -1
		if k > 0 {
			prev[i] = tails[k-1]
		}
		if k == len(tails) {
			tails = append(tails, i)
		} else {
			tails[k] = i
		}
	}
	kept := make([]bool, len(x))
	if len(tails) > 0 {
		for j := tails[len(tails)-1]; j >= 0; j = prev[j] {
			kept[j] = true
		}
	}
	return kept
}
