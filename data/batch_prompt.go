package data

// Prompted says what a batch of prompted rows asks of a language model: the log-probabilities of Scores ids in each of its B sequences.
//
// A row whose options are one id each is one sequence, and its Scores ids are the options, all at the mask or the last position. A row whose options stand behind the text has one
// sequence an option, and the scored ids are the option's own, each at the position before it. Rows, Classes and Lines of the batch then
// count rows and not sequences; padding rows stand at the end.
type Prompted struct {
	Options   int     // of a row, one a class
	Scores    int     // scored ids a sequence
	Sequences int     // of a row: 1 or Options
	At        []int32 // [B, Scores], the position in its sequence that predicts the id
	IDs       []int32 // [B, Scores]; Ignore where a sequence has fewer
}

// ScoresOf is the most scored ids that one of the sequences has; 0 without options.
func ScoresOf(seqs []Sequence) (n int) {
	for i := range seqs {
		if c := seqs[i].Candidates; c != nil {
			n = max(n, c.scores())
		}
	}
	return n
}

func (c *Candidates) scores() int {
	if c.masked() {
		return len(c.Options)
	}
	return c.longest()
}

// sequencesOf is how many sequences of a batch the row takes.
func sequencesOf(s *Sequence) int {
	if c := s.Candidates; c != nil && !c.masked() {
		return len(c.Options)
	}
	return 1
}

// newPrompted lays out prompted rows, which have the same number of options all.
func newPrompted(rows []*Sequence, o LoaderOptions) *Batch {
	first := rows[0].Candidates
	p := &Prompted{Options: len(first.Options), Scores: o.Scores, Sequences: sequencesOf(rows[0])}
	var seqs []*Sequence
	for _, r := range rows {
		seqs = append(seqs, r.spread()...)
	}
	b := NewBatch(seqs, o.BatchSize*p.Sequences, o.PadID, o.LeftPad)
	p.At, p.IDs = make([]int32, b.B*o.Scores), filled(b.B*o.Scores, Ignore)
	for i, s := range seqs {
		r := rows[i/p.Sequences].Candidates
		left := b.LastPos[i] + 1 - int32(len(s.IDs)) // where the sequence begins
		for k := range r.scores() {
			at, id := int32(r.Mask), int32(Ignore)
			if r.masked() {
				id = r.Options[k][0]
			} else if own := r.Options[i%p.Sequences]; k < len(own) {
				at, id = int32(len(s.IDs)-len(own)-1+k), own[k]
			}
			if id != Ignore {
				p.At[i*o.Scores+k], p.IDs[i*o.Scores+k] = left+at, id
			}
		}
	}
	b.Prompted, b.Rows, b.Lines, b.LossTokens = p, len(rows), nil, 0
	b.Classes, b.Targets = filled(b.B, Ignore), make([]float32, b.B)
	for i, r := range rows {
		b.Lines, b.Classes[i] = append(b.Lines, r.Line), r.Class
		if r.Class != Ignore {
			b.LossTokens++
		}
	}
	return b
}

// spread gives the sequences of a prompted row.
func (s *Sequence) spread() []*Sequence {
	if s.Candidates.masked() {
		return []*Sequence{s}
	}
	var out []*Sequence
	for _, o := range s.Candidates.Options {
		ids := append(append(make([]int32, 0, len(s.IDs)+len(o)), s.IDs...), o...)
		out = append(out, &Sequence{IDs: ids, TypeIDs: make([]int32, len(ids)), Class: Ignore})
	}
	return out
}
