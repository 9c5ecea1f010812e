package main

import (
	"luthier/graph"
	"luthier/train"
)

// dump writes the graph of one batch shape after each pass, its plan and its dispatches to dir; nothing where dir is empty.
func (j *job) dump(dir string, f stepper, s train.Shape) error {
	if dir == "" {
		return nil
	}
	d, err := graph.NewDump(dir)
	if err != nil {
		return usage("--dump-graph: %v", err)
	}
	j.engine.Trace = d.Trace
	defer func() { j.engine.Trace = nil }()
	draft, err := f.Draft(s)
	if err != nil {
		return err
	}
	return d.Draft(draft)
}
