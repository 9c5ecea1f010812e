package main

import (
	"fmt"
	"strings"
	"unicode"

	"luthier/data"
	"luthier/model"
)

// shownRow is a sequence of a batch as it is printed.
type shownRow struct {
	Line    int          `json:"line"` // of the file; 0 where documents were joined
	Label   string       `json:"label,omitempty"`
	Tokens  []shownToken `json:"tokens"`
	Padding int          `json:"padding"`
	Lost    int          `json:"tokens_cut"`
}

// shownToken is a token with what the loss makes of it.
type shownToken struct {
	ID      int32  `json:"id"`
	Text    string `json:"text"`
	Trained bool   `json:"trained"`
	Note    string `json:"note,omitempty"` // a tag, or what a mask hides
}

// rowsOf reads a batch back into rows.
func (j *job) rowsOf(b *data.Batch) []shownRow {
	per := 1
	if b.Prompted != nil {
		per = b.Prompted.Sequences
	}
	var out []shownRow
	for i := range b.Rows * per {
		row := shownRow{Line: b.Lines[i/per]}
		if i/per < len(b.Order) {
			row.Lost = j.train.seqs[b.Order[i/per]].Lost
		}
		at, end := i*b.T, (i+1)*b.T
		for at < end && b.Mask[at] == 0 {
			at++
		}
		for end > at && b.Mask[end-1] == 0 {
			end--
		}
		row.Padding = b.T - (end - at)
		for k, text := range pieces(j.src.tok, b.IDs[at:end]) {
			row.Tokens = append(row.Tokens, shownToken{ID: b.IDs[at+k], Text: text})
		}
		j.mark(b, &row, i, at)
		j.label(b, &row, i, per)
		out = append(out, row)
	}
	return out
}

// mark says which tokens of a row the loss looks at. from is where its tokens begin in the batch.
func (j *job) mark(b *data.Batch, row *shownRow, i, from int) {
	for k := range row.Tokens {
		t := &row.Tokens[k]
		switch {
		case b.Labels == nil:
		case j.task == model.CausalLM: // labels are shifted: the position before predicts this token
			t.Trained = k > 0 && b.Labels[from+k-1] != data.Ignore
		case b.Labels[from+k] != data.Ignore:
			t.Trained = true
			if j.task == model.MaskedLM {
				t.Note = pieces(j.src.tok, b.Labels[from+k:from+k+1])[0]
			} else if c := b.Labels[from+k]; int(c) < len(j.labels) {
				t.Note = j.labels[c]
			}
		}
	}
	p := b.Prompted
	if p == nil {
		return
	}
	for k := range p.Scores {
		if p.IDs[i*p.Scores+k] == data.Ignore {
			continue
		}
		at := int(p.At[i*p.Scores+k]) - (from - i*b.T)
		if p.Sequences > 1 {
			at++ // the position before scores the word
		}
		if at >= 0 && at < len(row.Tokens) {
			row.Tokens[at].Trained = true
		}
	}
}

// label is what the row as a whole shall give.
func (j *job) label(b *data.Batch, row *shownRow, i, per int) {
	c := b.Classes[i/per]
	switch {
	case j.task == model.Regress:
		row.Label = fmt.Sprintf("%g", b.Targets[i])
	case c == data.Ignore || int(c) >= len(j.labels):
	case j.task == model.Score && per > 1 && int(c) != i%per:
		row.Label = fmt.Sprintf("not %s", j.labels[i%per])
	case j.task == model.Classify, j.task == model.Score:
		row.Label = j.labels[c]
	}
}

// pieces gives the text of each id as it reads behind those before it; what does not print is escaped.
func pieces(tok data.Tokenizer, ids []int32) []string {
	const back = 8 // longer than any character is in tokens
	out := make([]string, len(ids))
	for i := range ids {
		w := max(0, i-back)
		before := strings.TrimRight(tok.Decode(ids[w:i], false), "\uFFFD") // an unfinished character
		text, ok := strings.CutPrefix(tok.Decode(ids[w:i+1], false), before)
		if !ok || text == "" {
			text = tok.Decode(ids[i:i+1], false)
		}
		out[i] = printable(text)
	}
	return out
}

// printable keeps a text from moving the cursor or hiding what it holds.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
