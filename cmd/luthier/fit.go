package main

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"luthier/backend"
	"luthier/graph"
	"luthier/model"
	"luthier/peft"
	"luthier/train"
)

// drafted is what planning one batch shape tells.
type drafted struct {
	plan      *graph.Plan
	shapes    map[string][]int // of trained tensors
	trainable int64
	base      int64 // parameters of the model without the method
	copies    bool  // PEFT trains a copy of a module to save and counts both
}

// all is the count that PEFT calls all params.
func (d *drafted) all() int64 {
	if d.copies {
		return d.base + d.trainable
	}
	return d.base
}

// added tells whether the method brings parameters of its own.
func (d *drafted) added() bool {
	for name := range d.shapes {
		if peft.Key(name) == name {
			return true
		}
	}
	return false
}

// draft plans the largest batch of a run without allocating. Its trained tensors are those with a gradient or not.
func draft(f stepper, s train.Shape) (*drafted, error) {
	d, err := f.Draft(s)
	if err != nil {
		return nil, err
	}
	out := &drafted{plan: d.Plan, shapes: map[string][]int{}}
	for _, n := range d.Graph.Leaves() {
		if n.Leaf().Kind == graph.Trainable && n.Leaf().Of == "" {
			out.shapes[n.Leaf().Name] = n.Shape
			out.trainable += int64(n.Shape.Elems())
		}
	}
	return out, nil
}

// draft plans one shape and counts parameters; a method that matches nothing is refused, and an adapter that would be no more than a
// head.
func (j *job) draft(f stepper, s train.Shape) (*drafted, error) {
	d, err := draft(f, s)
	if err != nil {
		return nil, j.beyond(f, s, err)
	}
	if len(j.method.Matched()) == 0 || d.trainable == 0 || (j.method.Config() != nil && !d.added()) {
		return nil, usage("--method %s%s matches no module of %s: give --target-modules; `luthier inspect %s` lists what there is", j.method.Name(), j.targets(), j.src.dir, j.src.dir)
	}
	if err := j.untrainedHead(d.shapes); err != nil {
		return nil, err
	}
	d.copies = j.method.Config() != nil
	d.base, err = j.parameters()
	return d, err
}

// memoryError says that a batch does not fit, and which would.
type memoryError struct {
	want, have int64
	from       string
	batch      int
	largest    int // 0: none
	length     int
	limit      *backend.LimitError // nil where it is the memory as a whole
	flag       string              // of the batch size; "" in training
}

func (e *memoryError) Error() string {
	s := fmt.Sprintf("a batch of %d x %d tokens needs %s of device memory, there is %s (%s)", e.batch, e.length, bytesText(e.want),
		bytesText(e.have), e.from)
	if e.limit != nil {
		s = fmt.Sprintf("a batch of %d x %d tokens is more than this adapter takes: %v", e.batch, e.length, e.limit)
	}
	switch {
	case e.largest > 0 && e.flag != "":
		return s + fmt.Sprintf("; the largest that fits is %s %d", e.flag, e.largest)
	case e.largest > 0:
		return s + fmt.Sprintf("; the largest that fits is --batch-size %d (with --accumulate %d the steps stay the same)", e.largest,
			(e.batch+e.largest-1)/e.largest)
	}
	if e.flag != "" {
		return s + "; not one sequence fits: try a smaller --max-length"
	}
	return s + "; not one sequence fits: try a smaller --max-length, --recompute, or a method that trains less"
}

// Unwrap makes it an out-of-memory error for exit codes.
func (e *memoryError) Unwrap() error { return backend.ErrOutOfMemory }

// largestBatch is the largest batch up to most that need says fits, 0 for none. need must not fall as the batch grows.
func largestBatch(most int, limit int64, need func(batch int) (int64, error)) (int, error) {
	var failed error
	n := sort.Search(most, func(i int) bool {
		if failed != nil {
			return true
		}
		bytes, err := need(i + 1)
		if err != nil {
			failed = err
		}
		return err != nil || bytes > limit
	})
	return n, failed
}

// fits checks a plan against the budget; beyond it the error names the largest batch that fits.
func (j *job) fits(f stepper, s train.Shape, want int64) error {
	if want <= j.limit() {
		return nil
	}
	largest, err := largestBatch(s.B/j.perRow()-1, j.limit(), j.need(f, s.T))
	if err != nil {
		return err
	}
	return &memoryError{want: want, have: j.budget.bytes, from: j.budget.from, batch: s.B, largest: largest, length: s.T}
}

// limit is the budget in bytes; without one all that is finite fits.
func (j *job) limit() int64 {
	if j.budget.bytes == 0 {
		return math.MaxInt64 - 1
	}
	return j.budget.bytes
}

// beyond turns the refusal of one value by the adapter's limits into the error that names the largest batch.
func (j *job) beyond(f stepper, s train.Shape, err error) error {
	var limit *backend.LimitError
	if !errors.As(err, &limit) {
		return err
	}
	largest, other := largestBatch(s.B/j.perRow()-1, j.limit(), j.need(f, s.T))
	if other != nil {
		return err
	}
	return &memoryError{limit: limit, batch: s.B, largest: largest, length: s.T}
}

// need plans a batch size, in rows of the data.
func (j *job) need(f stepper, length int) func(int) (int64, error) {
	return func(batch int) (int64, error) {
		d, err := f.Draft(train.Shape{B: batch * j.perRow(), T: length})
		var limit *backend.LimitError
		switch {
		case errors.As(err, &limit): // one value is beyond a binding of the adapter: as good as no memory
			return math.MaxInt64, nil
		case err != nil:
			return 0, err
		}
		return d.Plan.Total(), nil
	}
}

// memoryTable is a plan by category.
func memoryTable(p *graph.Plan) map[string]int64 {
	out := map[string]int64{}
	for c, n := range p.Persistent {
		out[graph.Category(c).String()] += n
	}
	for c, n := range p.Transient {
		out[graph.Category(c).String()] += n
	}
	return out
}

// parameters counts the base model's, by building it with no method.
func (j *job) parameters() (int64, error) {
	g := graph.New()
	b := model.NewBuilder(g, j.src.config, j.src.weights, model.None{}, 1, 4)
	if _, err := b.Loss(j.task, j.classes(), 0); err != nil {
		return 0, err
	}
	n := int64(0)
	for _, l := range g.Leaves() {
		if l.Leaf().Kind == graph.Frozen && l.Leaf().Of == "" && l.Leaf().Name != "rotary_table" {
			n += int64(l.Shape.Elems())
		}
	}
	return n, nil
}
