package main

import (
	"fmt"
	"strings"

	"luthier/data"
	"luthier/model"
)

// painter sets off what is trained on: green in a terminal, between {+ and +} elsewhere.
type painter struct{ color bool }

const (
	green = "\x1b[1;32m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"

	bar = "¦" // between tokens: rare in texts and in tokens, which | is not
)

func (p painter) trained(s string) string {
	if p.color {
		return green + s + plain
	}
	return "{+" + s + "+}"
}

func (p painter) faint(s string) string {
	if p.color {
		return faint + s + plain
	}
	return s
}

// legend explains the marks for a task.
func (p painter) legend(t model.Task) string {
	bar := p.faint(bar)
	switch t {
	case model.CausalLM:
		return "read only, " + p.trained("predicted and trained on") + "; a " + bar + " parts tokens"
	case model.MaskedLM:
		return "read, " + p.trained("what stands there=what it shall be") + "; a " + bar + " parts tokens"
	case model.TokenClassify:
		return "read, " + p.trained("tagged=TAG") + "; a " + bar + " parts tokens"
	case model.Score:
		return "read, " + p.trained("where options are compared") + "; a " + bar + " parts tokens"
	}
	return "all tokens are read, the loss is that of the row's label; a " + bar + " parts tokens"
}

// showBatch prints one batch.
func (a *app) showBatch(j *job, b *data.Batch, n int, p painter) {
	rows := j.rowsOf(b)
	epoch := (n-1)/j.loader.Batches() + 1
	if a.json {
		for i, r := range rows {
			a.emit(struct {
				Event string `json:"event"`
				Batch int    `json:"batch"`
				Row   int    `json:"row"`
				shownRow
			}{"row", n, i + 1, r})
		}
		return
	}
	size := b.B * b.T
	a.say("\nbatch %d of %d, epoch %d: %d x %d positions, %d tokens, %d padding (%.0f %%), loss on %d", (n-1)%j.loader.Batches()+1, j.loader.Batches(), epoch,
		b.B, b.T, b.Tokens, size-b.Tokens, 100*float64(size-b.Tokens)/float64(size), b.LossTokens)
	for i, r := range rows {
		a.say("%s", p.row(i+1, r))
	}
	if empty := b.B - len(rows); empty > 0 {
		a.say("%s", p.faint(fmt.Sprintf("%d rows of padding", empty)))
	}
}

// row is one sequence: a line about it and its tokens below.
func (p painter) row(n int, r shownRow) string {
	head := []string{fmt.Sprintf("row %d", n)}
	if r.Line > 0 {
		head = append(head, fmt.Sprintf("line %d", r.Line))
	}
	head = append(head, fmt.Sprintf("%d tokens", len(r.Tokens)))
	if r.Padding > 0 {
		head = append(head, fmt.Sprintf("%d padding", r.Padding))
	}
	if r.Lost > 0 {
		head = append(head, fmt.Sprintf("%d CUT AWAY", r.Lost))
	}
	s := p.faint(strings.Join(head, ", "))
	if r.Label != "" {
		s += ": " + p.trained(printable(r.Label))
	}
	return s + "\n  " + p.tokens(r.Tokens)
}

// tokens joins tokens; a run of trained ones is one mark.
func (p painter) tokens(ts []shownToken) string {
	var parts []string
	for i := 0; i < len(ts); {
		k := i
		var run []string
		for ; k < len(ts) && ts[k].Trained == ts[i].Trained; k++ {
			text := ts[k].Text
			if ts[k].Note != "" {
				text += "=" + strings.TrimSpace(ts[k].Note)
			}
			run = append(run, text)
		}
		if s := strings.Join(run, bar); !ts[i].Trained {
			parts = append(parts, strings.Join(run, p.faint(bar)))
		} else {
			parts = append(parts, p.trained(s))
		}
		i = k
	}
	return strings.Join(parts, p.faint(bar))
}
