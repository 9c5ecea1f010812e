package data

// Batch holds B rows of T positions, row-major. Rows from Rows on are padding:
// mask 0, labels and class Ignore. Of prompted rows see Prompted.
type Batch struct {
	B, T               int
	Copies             int     // of the rows, one below the other, in a batch for several forwards at once; 0 counts as 1
	IDs, TypeIDs, Mask []int32 // [B, T]; Mask is 1 at tokens and 0 at padding
	Labels             []int32 // [B, T], shifted (see Sequence), or of masked text unshifted; nil where no sequence has labels
	Classes            []int32 // [B]
	Targets            []float32
	LastPos            []int32   // [B], position of the last token; 0 for a padding row
	PadID              int32     // the id at padding
	Tokens             int       // positions with mask 1
	LossTokens         int       // labels, or classes where there are no labels, that are not Ignore
	Rows               int       // rows that hold a sequence
	Lines              []int     // [Rows], line of each sequence in its file
	Order              []int     // [Rows], place of each sequence among those of the Loader; nil where there was none
	Words              [][]int32 // [Rows], positions in the row of the first ids of words with tags, -1 for none; nil for other data
	Prompted           *Prompted
}

// Bucket rounds a sequence length up to one of few: 32, 64, 96, 128 and then
// multiples of 64. Each is a shape the graph is planned for.
func Bucket(n int) int {
	if n <= 128 {
		return max(32, (n+31)/32*32)
	}
	return (n + 63) / 64 * 64
}

// NewBatch lays sequences out as rows of one bucket; rows is B, at least
// len(seqs). padID fills what is empty, on the right or on the left.
func NewBatch(seqs []*Sequence, rows int, padID int32, left bool) *Batch {
	longest, labelled := 1, false
	for _, s := range seqs {
		longest = max(longest, len(s.IDs))
		labelled = labelled || s.Labels != nil
	}
	rows = max(rows, len(seqs))
	b := &Batch{B: rows, T: Bucket(longest), Rows: len(seqs), PadID: padID}
	n := b.B * b.T
	b.IDs, b.TypeIDs, b.Mask = filled(n, padID), make([]int32, n), make([]int32, n)
	b.Classes, b.Targets, b.LastPos = filled(rows, Ignore), make([]float32, rows), make([]int32, rows)
	if labelled {
		b.Labels = filled(n, Ignore)
	}
	for i, s := range seqs {
		b.place(i, s, left)
	}
	return b
}

// place writes sequence s into row i.
func (b *Batch) place(i int, s *Sequence, left bool) {
	n := len(s.IDs)
	from := i * b.T
	if left {
		from += b.T - n
	}
	copy(b.IDs[from:], s.IDs)
	copy(b.TypeIDs[from:], s.TypeIDs)
	for t := range n {
		b.Mask[from+t] = 1
	}
	b.Tokens += n
	b.LastPos[i] = int32(max(0, from+n-1-i*b.T))
	b.Classes[i], b.Targets[i] = s.Class, s.Target
	b.Lines = append(b.Lines, s.Line)
	if s.Words != nil {
		b.Words = append(b.Words, shifted(s.Words, int32(from-i*b.T)))
	}
	if b.Labels == nil {
		if s.Class != Ignore {
			b.LossTokens++
		}
		return
	}
	copy(b.Labels[from:], s.Labels)
	for _, l := range s.Labels {
		if l != Ignore {
			b.LossTokens++
		}
	}
}

func filled(n int, v int32) []int32 {
	out := make([]int32, n)
	if v != 0 {
		for i := range out {
			out[i] = v
		}
	}
	return out
}

// shifted moves positions to the right; -1 stays.
func shifted(at []int32, by int32) []int32 {
	out := append([]int32(nil), at...)
	for i := range out {
		if out[i] >= 0 {
			out[i] += by
		}
	}
	return out
}
