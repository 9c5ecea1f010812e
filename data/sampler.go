package data

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// LoaderOptions says how a Loader orders and lays out its batches.
type LoaderOptions struct {
	BatchSize     int
	Seed          uint64
	NoShuffle     bool     // keep file order
	GroupByLength bool     // sort by length inside windows of batches, for less padding
	Window        int      // batches a window; 50 if zero
	DropLast      bool     // leave out the incomplete last batch; else its rows are padded
	LeftPad       bool     // tokens at the right edge, for generation
	PadID         int32    // see PadID
	Scores        int      // prompted rows: scored ids a sequence, at least ScoresOf the sequences
	Mask          *Masking // masked language models: hides tokens of each batch; nil for other tasks
}

// Cursor is a place between two batches: Next is the index, in batches, of the
// batch that comes next in the epoch.
type Cursor struct {
	Epoch int `json:"epoch"`
	Next  int `json:"next"`
}

// Loader hands out batches epoch by epoch. The order of an epoch depends on the
// seed and the epoch only, so Seek to a saved Cursor goes on with exactly the
// batches that would have come. Not for use by several goroutines.
type Loader struct {
	seqs   []Sequence
	o      LoaderOptions
	cursor Cursor
	order  []int // of epoch made, len(seqs) indices
	made   int   // epoch of order; -1 before the first
}

// NewLoader wraps seqs, which it does not copy.
func NewLoader(seqs []Sequence, o LoaderOptions) (*Loader, error) {
	switch {
	case o.BatchSize < 1:
		return nil, fmt.Errorf("loader: batch-size %d: must be at least 1", o.BatchSize)
	case len(seqs) == 0:
		return nil, fmt.Errorf("loader: %w", ErrNoData)
	case o.DropLast && len(seqs) < o.BatchSize:
		return nil, fmt.Errorf("loader: %d sequences do not fill one batch of %d, and incomplete batches are dropped: %w", len(seqs), o.BatchSize, ErrNoData)
	case o.Scores < ScoresOf(seqs):
		return nil, fmt.Errorf("loader: %d scored ids a sequence, and there is one of %d", o.Scores, ScoresOf(seqs))
	}
	if o.Window < 1 {
		o.Window = 50
	}
	return &Loader{seqs: seqs, o: o, made: -1}, nil
}

// Options are those the loader was made with.
func (l *Loader) Options() LoaderOptions { return l.o }

// BatchRows is B of every batch: BatchSize, or as many for each option where the options of a prompted row want sequences of their own.
func (l *Loader) BatchRows() int { return l.o.BatchSize * sequencesOf(&l.seqs[0]) }

// Batches is the number of batches an epoch has.
func (l *Loader) Batches() int {
	if l.o.DropLast {
		return len(l.seqs) / l.o.BatchSize
	}
	return (len(l.seqs) + l.o.BatchSize - 1) / l.o.BatchSize
}

// MaxT is the length of the longest batch there can be, for the memory plan.
func (l *Loader) MaxT() int {
	longest := 1
	for i := range l.seqs {
		longest = max(longest, l.seqs[i].Len())
	}
	return Bucket(longest)
}

// Lengths gives the distinct batch lengths T of the given epoch, in order.
func (l *Loader) Lengths(epoch int) []int {
	order := l.epochOrder(epoch)
	var out []int
	for i := range l.Batches() {
		longest := 1
		for _, j := range l.rows(order, i) {
			longest = max(longest, l.seqs[j].Len())
		}
		out = append(out, Bucket(longest))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Next gives the next batch; false at the end of an epoch, after which the next
// call begins the next one.
func (l *Loader) Next() (*Batch, bool) {
	if l.cursor.Next >= l.Batches() {
		l.cursor = Cursor{Epoch: l.cursor.Epoch + 1}
		return nil, false
	}
	if l.made != l.cursor.Epoch {
		l.order, l.made = l.epochOrder(l.cursor.Epoch), l.cursor.Epoch
	}
	rows := l.rows(l.order, l.cursor.Next)
	seqs := make([]*Sequence, len(rows))
	for i, j := range rows {
		if seqs[i] = &l.seqs[j]; l.o.Mask != nil {
			seqs[i] = l.o.Mask.apply(seqs[i], l.cursor.Epoch, j)
		}
	}
	l.cursor.Next++
	var b *Batch
	if seqs[0].Candidates != nil {
		b = newPrompted(seqs, l.o)
	} else {
		b = NewBatch(seqs, l.o.BatchSize, l.o.PadID, l.o.LeftPad)
	}
	b.Order = append([]int(nil), rows...)
	return b, true
}

// rows are the sequences of batch i.
func (l *Loader) rows(order []int, i int) []int {
	from := i * l.o.BatchSize
	return order[from:min(from+l.o.BatchSize, len(order))]
}

// Cursor is the place before the batch that Next would give.
func (l *Loader) Cursor() Cursor { return l.cursor }

// Seek goes to a place that Cursor gave.
func (l *Loader) Seek(c Cursor) error {
	if c.Epoch < 0 || c.Next < 0 || c.Next > l.Batches() {
		return fmt.Errorf("loader: no batch %d of epoch %d: an epoch has %d", c.Next, c.Epoch, l.Batches())
	}
	l.cursor = c
	return nil
}

// epochOrder is the order of the sequences in an epoch.
func (l *Loader) epochOrder(epoch int) []int {
	order := make([]int, len(l.seqs))
	for i := range order {
		order[i] = i
	}
	src := rand.NewPCG(l.o.Seed, uint64(epoch))
	if !l.o.NoShuffle {
		shuffle(src, len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	if l.o.GroupByLength {
		l.group(src, order)
	}
	return order
}

// group sorts each window by length, longest first, and then, unless file order
// is kept, shuffles its full batches, so that lengths do not fall steadily.
func (l *Loader) group(src *rand.PCG, order []int) {
	size := l.o.BatchSize
	for from := 0; from < len(order); from += l.o.Window * size {
		w := order[from:min(from+l.o.Window*size, len(order))]
		slices.SortStableFunc(w, func(a, b int) int { return l.seqs[b].Len() - l.seqs[a].Len() })
		if l.o.NoShuffle {
			continue
		}
		shuffle(src, len(w)/size, func(i, j int) {
			for k := range size {
				w[i*size+k], w[j*size+k] = w[j*size+k], w[i*size+k]
			}
		})
	}
}

// shuffle is Fisher and Yates' on a fixed generator, spelled out because the
// order must not change with the standard library's. The modulo's bias is below
// n/2^64.
func shuffle(src *rand.PCG, n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, int(src.Uint64()%uint64(i+1)))
	}
}
