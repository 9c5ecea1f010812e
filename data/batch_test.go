package data

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBucket(t *testing.T) {
	for n, want := range map[int]int{0: 32, 1: 32, 32: 32, 33: 64, 64: 64, 65: 96, 96: 96, 97: 128, 128: 128, 129: 192, 192: 192, 193: 256, 500: 512} {
		assert.Equal(t, want, Bucket(n), n)
	}
}

func TestBatchLayout(t *testing.T) {
	seqs := []*Sequence{
		{IDs: []int32{5, 6, 7}, TypeIDs: []int32{0, 1, 1}, Labels: []int32{6, 7, Ignore}, Class: Ignore, Line: 3},
		{IDs: []int32{8}, TypeIDs: []int32{1}, Labels: []int32{Ignore}, Class: Ignore, Line: 9},
	}
	b := NewBatch(seqs, 3, 99, false)
	require.Equal(t, [2]int{3, 32}, [2]int{b.B, b.T})
	assert.Equal(t, []int32{5, 6, 7, 99}, b.IDs[:4])
	assert.Equal(t, []int32{0, 1, 1, 0}, b.TypeIDs[:4])
	assert.Equal(t, []int32{1, 1, 1, 0}, b.Mask[:4])
	assert.Equal(t, []int32{6, 7, Ignore, Ignore}, b.Labels[:4])
	assert.Equal(t, []int32{8, 99}, b.IDs[32:34])
	assert.Equal(t, slices.Repeat([]int32{0}, 32), b.Mask[64:], "the padding row")
	assert.Equal(t, slices.Repeat([]int32{Ignore}, 32), b.Labels[64:])
	assert.Equal(t, []int32{2, 0, 0}, b.LastPos)
	assert.Equal(t, []int32{Ignore, Ignore, Ignore}, b.Classes)
	assert.Equal(t, []int{4, 2, 2}, []int{b.Tokens, b.LossTokens, b.Rows})
	assert.Equal(t, []int{3, 9}, b.Lines)

	left := NewBatch(seqs, 2, 99, true)
	assert.Equal(t, []int32{99, 5, 6, 7}, left.IDs[28:32])
	assert.Equal(t, []int32{0, 1, 1, 1}, left.Mask[28:32])
	assert.Equal(t, []int32{Ignore, 6, 7, Ignore}, left.Labels[28:32])
	assert.Equal(t, []int32{31, 31}, left.LastPos)

	c := NewBatch([]*Sequence{{IDs: []int32{1}, Class: 2}, {IDs: []int32{1}, Class: Ignore}}, 2, 0, false)
	assert.Nil(t, c.Labels)
	assert.Equal(t, 1, c.LossTokens)
	assert.Equal(t, []int32{2, Ignore}, c.Classes)
}

// rowsOf are n sequences, each of a length of its own, told apart by Line.
func rowsOf(n int) []Sequence {
	out := make([]Sequence, n)
	for i := range out {
		out[i] = Sequence{IDs: make([]int32, 1+i*7%40), Class: int32(i % 2), Line: i}
	}
	return out
}

// epoch collects the lines of one epoch, batch by batch.
func epoch(t *testing.T, l *Loader) (out [][]int) {
	t.Helper()
	for range l.Batches() {
		b, ok := l.Next()
		require.True(t, ok)
		out = append(out, b.Lines)
	}
	_, ok := l.Next()
	require.False(t, ok)
	return out
}

func TestLoaderVisitsEachRowOnce(t *testing.T) {
	for _, o := range []LoaderOptions{
		{BatchSize: 4, Seed: 1}, {BatchSize: 4, NoShuffle: true}, {BatchSize: 4, Seed: 1, GroupByLength: true, Window: 2}, {BatchSize: 1}, {BatchSize: 64},
		{BatchSize: 4, NoShuffle: true, GroupByLength: true},
	} {
		l, err := NewLoader(rowsOf(23), o)
		require.NoError(t, err)
		for range 3 {
			got := slices.Concat(epoch(t, l)...)
			slices.Sort(got)
			want := make([]int, 23)
			for i := range want {
				want[i] = i
			}
			assert.Equal(t, want, got, "%+v", o)
		}
	}
}

func TestLoaderOrder(t *testing.T) {
	load := func(o LoaderOptions) *Loader {
		l, err := NewLoader(rowsOf(23), o)
		require.NoError(t, err)
		return l
	}
	plain := load(LoaderOptions{BatchSize: 5, NoShuffle: true})
	assert.Equal(t, [][]int{{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}, {10, 11, 12, 13, 14}, {15, 16, 17, 18, 19}, {20, 21, 22}}, epoch(t, plain))

	a, b, c := load(LoaderOptions{BatchSize: 5, Seed: 1}), load(LoaderOptions{BatchSize: 5, Seed: 1}), load(LoaderOptions{BatchSize: 5, Seed: 2})
	first := epoch(t, a)
	assert.Equal(t, first, epoch(t, b), "the seed decides")
	assert.NotEqual(t, first, epoch(t, c))
	assert.NotEqual(t, first, epoch(t, a), "the next epoch has another order")
	// Pinned: a checkpoint of today must resume on the same batches tomorrow.
	assert.Equal(t, pinnedOrder, first[0])

	dropped := load(LoaderOptions{BatchSize: 5, Seed: 1, DropLast: true})
	assert.Equal(t, first[:4], epoch(t, dropped))

	grouped := load(LoaderOptions{BatchSize: 5, Seed: 1, GroupByLength: true})
	for _, rows := range epoch(t, grouped) {
		lens := []int{}
		for _, r := range rows {
			lens = append(lens, 1+r*7%40)
		}
		assert.LessOrEqual(t, slices.Max(lens)-slices.Min(lens), 12, "rows of a batch are alike: %v", lens)
	}
}

func TestLoaderResumesAtEveryCursor(t *testing.T) {
	o := LoaderOptions{BatchSize: 4, Seed: 7, GroupByLength: true, Window: 2}
	type step struct {
		lines []int
		end   bool
	}
	run := func(l *Loader, n int) (out []step, at []Cursor) {
		for range n {
			at = append(at, l.Cursor())
			b, ok := l.Next()
			s := step{end: !ok}
			if ok {
				s.lines = b.Lines
			}
			out = append(out, s)
		}
		return out, at
	}
	whole, err := NewLoader(rowsOf(23), o)
	require.NoError(t, err)
	want, cursors := run(whole, 20)
	for i, c := range cursors {
		l, err := NewLoader(rowsOf(23), o)
		require.NoError(t, err)
		require.NoError(t, l.Seek(c))
		got, _ := run(l, 20-i)
		assert.Equal(t, want[i:], got, "from %+v", c)
	}
	assert.Error(t, whole.Seek(Cursor{Epoch: 0, Next: 7}))
	assert.Error(t, whole.Seek(Cursor{Epoch: -1}))
}

func TestLoaderShapes(t *testing.T) {
	l, err := NewLoader(rowsOf(23), LoaderOptions{BatchSize: 4, NoShuffle: true})
	require.NoError(t, err)
	assert.Equal(t, 64, l.MaxT())
	assert.Equal(t, 6, l.Batches())
	assert.Equal(t, []int{32, 64}, l.Lengths(0))

	_, err = NewLoader(nil, LoaderOptions{BatchSize: 1})
	assert.ErrorIs(t, err, ErrNoData)
	_, err = NewLoader(rowsOf(3), LoaderOptions{BatchSize: 4, DropLast: true})
	assert.ErrorIs(t, err, ErrNoData)
	_, err = NewLoader(rowsOf(3), LoaderOptions{})
	assert.ErrorContains(t, err, "batch-size 0")
}

var pinnedOrder = []int{3, 9, 11, 16, 13}
