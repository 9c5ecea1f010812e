package data

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Candidates are the options of a prompted row, one a class.
type Candidates struct {
	Options [][]int32 // ids of each option's words
	Mask    int       // position in IDs that predicts options of one id, all at once: a mask, or the last position; -1: an option's ids stand behind IDs
}

// masked tells whether the options share one sequence.
func (c *Candidates) masked() bool { return c.Mask >= 0 }

// longest is the length of the longest option.
func (c *Candidates) longest() (n int) {
	for _, o := range c.Options {
		n = max(n, len(o))
	}
	return n
}

// Prompt turns classification rows into questions to a language model.
type Prompt struct {
	Template Template
	Words    []string // of each class
	Masked   bool     // the model fills in a mask; else it goes on with the text
}

// PromptError says that a template or its words do not suit a tokenizer or the data.
type PromptError struct {
	Flag    string // "template" or "verbalizer"
	Problem string // and what helps
}

func (e *PromptError) Error() string { return fmt.Sprintf("--%s: %s", e.Flag, e.Problem) }

// Check holds the template and the words against a tokenizer. Its errors are *PromptError.
func (p *Prompt) Check(tok Tokenizer) error {
	bad := func(flag, format string, args ...any) error { return &PromptError{flag, fmt.Sprintf(format, args...)} }
	switch {
	case p.Masked && !p.Template.Masks():
		return bad("template", "%q has no {mask}: this model fills in a masked word, so say where it stands, as in '{text} It was {mask}.'", p.Template.Source)
	case p.Masked && tok.Special().Mask < 0:
		return bad("template", "this model's tokenizer names no mask_token: choose a masked language model, or leave --template out")
	case !p.Masked && !p.Template.Ends():
		return bad("template", "%q goes on behind {mask}: this model reads from left to right, so the word must stand at the end", p.Template.Source)
	}
	seen := map[string]string{}
	for _, w := range p.Words {
		ids := tok.Encode(w, false)
		switch {
		case len(ids) == 0:
			return bad("verbalizer", "%q has no tokens in this model's vocabulary: choose another word", w)
		case p.Masked && len(ids) > 1:
			return bad("verbalizer", "%q is %d tokens of this model (%s), and a mask stands for one: choose a shorter word", w, len(ids), spelled(tok, ids))
		case p.Masked && ids[0] == tok.Special().UNK:
			return bad("verbalizer", "%q is not in this model's vocabulary: choose another word", w)
		}
		key := fmt.Sprint(ids)
		if other, ok := seen[key]; ok {
			return bad("verbalizer", "%q and %q are the same tokens of this model: each class wants its own", other, w)
		}
		seen[key] = w
	}
	return nil
}

// spelled are the texts of ids.
func spelled(tok Tokenizer, ids []int32) string {
	var out []string
	for _, id := range ids {
		out = append(out, fmt.Sprintf("%q", tok.Decode([]int32{id}, false)))
	}
	return strings.Join(out, " ")
}

// EncodePrompts gives one sequence a row with the options of its classes. What is longer than maxLength ids, the longest option included,
// is cut in the texts, the longer text first; the template's own words stay. classes may be nil. A template that does not suit the rows is
// a *PromptError; one that leaves no room is an error too.
func EncodePrompts(tok Tokenizer, p *Prompt, examples []Example, classes []int32, maxLength int) ([]Sequence, Report, error) {
	if classes != nil && len(classes) != len(examples) {
		return nil, Report{}, fmt.Errorf("encode: %d examples, %d classes", len(examples), len(classes))
	}
	out := make([]Sequence, 0, len(examples))
	var rep Report
	for i, e := range examples {
		switch {
		case p.Template.Pairs() && !e.HasPair:
			return nil, rep, &PromptError{"template", fmt.Sprintf("{sentence2} is a second text, and line %d has one text: name the column with --text2-column, or leave {sentence2} out", e.Line)}
		case !p.Template.Pairs() && e.HasPair:
			return nil, rep, &PromptError{"template", fmt.Sprintf("line %d has two texts: say where the second one stands with {sentence2}, or name the one to read with --text-column", e.Line)}
		}
		s, err := p.encode(tok, e, maxLength, &rep)
		if err != nil {
			return nil, rep, err
		}
		s.Class, s.Line = Ignore, e.Line
		if classes != nil {
			s.Class = classes[i]
		}
		rep.Tokens += len(s.IDs)
		out = append(out, s)
	}
	shareSequences(out)
	return out, rep, tokenizerErr(tok)
}

// shareSequences lets the options of a row share one sequence where every option of every row is one id: its last position predicts all of
// them, at a fraction of the work.
func shareSequences(rows []Sequence) {
	for i := range rows {
		if c := rows[i].Candidates; c.masked() || c.longest() > 1 {
			return
		}
	}
	for i := range rows {
		rows[i].Candidates.Mask = len(rows[i].IDs) - 1
	}
}

// encode makes one sequence that fits. The texts are cut to the most characters that do, found by doubling and halving: a token count is
// known only once the words around it are there.
func (p *Prompt) encode(tok Tokenizer, e Example, maxLength int, rep *Report) (Sequence, error) {
	s := p.sequence(tok, e.Text, e.Text2)
	n := s.Len()
	lost := rep.count(n, maxLength)
	if n <= maxLength {
		return s, nil
	}
	cut := func(c int) Sequence { return p.sequence(tok, firstRunes(e.Text, c), firstRunes(e.Text2, c)) }
	best := cut(0)
	if best.Len() > maxLength {
		return s, &PromptError{"template", fmt.Sprintf("its own words and the longest option are %d tokens of --max-length %d: give a shorter template or a larger length",
			best.Len(), maxLength)}
	}
	low, high := 0, 1
	for longest := max(utf8.RuneCountInString(e.Text), utf8.RuneCountInString(e.Text2)); high < longest; high *= 2 {
		t := cut(high)
		if t.Len() > maxLength {
			break
		}
		low, best = high, t
	}
	for high-low > 1 {
		mid := (low + high) / 2
		if t := cut(mid); t.Len() <= maxLength {
			low, best = mid, t
		} else {
			high = mid
		}
	}
	best.Lost = n - best.Len()
	rep.Lost += best.Lost - lost // whole characters went, not ids
	return best, nil
}

// firstRunes is the start of s, at most n characters long.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// sequence encodes a row as it is.
func (p *Prompt) sequence(tok Tokenizer, first, second string) Sequence {
	before, after := p.Template.fill(first, second)
	if p.Masked {
		return p.filled(tok, before, after)
	}
	return p.continued(tok, before)
}

// filled puts a mask between two texts. A special token parts what is beside it, so the two are encoded alone; that also tells this mask
// from one that the text itself may spell.
func (p *Prompt) filled(tok Tokenizer, before, after string) Sequence {
	c := &Candidates{}
	for _, w := range p.Words {
		c.Options = append(c.Options, tok.Encode(w, false))
	}
	head, tail := tok.Encode(before, false), tok.Encode(after, false)
	body := append(append(append([]int32{}, head...), tok.Special().Mask), tail...)
	s := Sequence{Candidates: c}
	s.IDs, s.TypeIDs = tok.Assemble(body, nil, false)
	c.Mask = leading(tok, body, s.IDs) + len(head)
	return s
}

// leading is how many ids Assemble puts before the body.
func leading(tok Tokenizer, body, all []int32) int {
	special, _ := tok.Assemble(nil, nil, false)
	for n := range special {
		if n+len(body) <= len(all) && equalIDs(all[n:n+len(body)], body) {
			return n
		}
	}
	return 0
}

func equalIDs(a, b []int32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// continued encodes a text together with each option, since a tokenizer may join what lies on both sides of a border. IDs are what all have
// in common with the text alone, and the options are what follows.
func (p *Prompt) continued(tok Tokenizer, before string) Sequence {
	alone := tok.Encode(before, false)
	whole := make([][]int32, len(p.Words))
	n := len(alone)
	for i, w := range p.Words {
		whole[i] = tok.Encode(before+w, false)
		n = min(n, common(alone, whole[i]))
	}
	for _, w := range whole {
		n = min(n, max(0, len(w)-1)) // an option has at least one id
	}
	ids := append(opening(tok), alone[:n]...)
	if len(ids) == 0 {
		ids = []int32{fillerID(tok)} // something must predict the option's first id
	}
	c := &Candidates{Mask: -1}
	for _, w := range whole {
		c.Options = append(c.Options, w[n:])
	}
	return Sequence{IDs: ids, TypeIDs: make([]int32, len(ids)), Candidates: c}
}

// common is how many ids a and b begin with alike.
func common(a, b []int32) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// opening is the BOS that the tokenizer puts before a text, if any. Its EOS is left out: the text goes on.
func opening(tok Tokenizer) []int32 {
	own, _ := tok.Assemble(nil, nil, false)
	if len(own) > 0 && own[0] == tok.Special().BOS {
		return []int32{own[0]}
	}
	return nil
}
