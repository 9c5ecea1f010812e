package data

import (
	"math"
	"strings"
)

// Entity is a span of words of one type: From to To, both within.
type Entity struct {
	Type     string
	From, To int
}

// Entities finds the spans that tags mark, by the lenient rules of seqeval's
// default: B and S begin one, so does I or E after O or after another type; a
// span ends before the next that begins, before O, and after E or S. A tag is
// its letter, a hyphen and the type; a bare letter has the type "_".
func Entities(tags []string) []Entity {
	var out []Entity
	last, lastType, from := byte('O'), "", 0
	for i := 0; i <= len(tags); i++ {
		tag, kind := byte('O'), "_"
		if i < len(tags) {
			tag, kind = splitTag(tags[i])
		}
		if endsSpan(last, tag, lastType, kind) {
			out = append(out, Entity{lastType, from, i - 1})
		}
		if beginsSpan(last, tag, lastType, kind) {
			from = i
		}
		last, lastType = tag, kind
	}
	return out
}

// splitTag gives the letter and the type.
func splitTag(tag string) (byte, string) {
	if tag == "" {
		return 'O', "_"
	}
	kind := tag[1:]
	if _, after, ok := strings.Cut(kind, "-"); ok {
		kind = after
	}
	if kind == "" {
		kind = "_"
	}
	return tag[0], kind
}

func endsSpan(last, tag byte, lastType, kind string) bool {
	switch {
	case last == 'O' || last == '.':
		return false
	case last == 'E' || last == 'S' || lastType != kind:
		return true
	}
	return (last == 'B' || last == 'I') && (tag == 'B' || tag == 'S' || tag == 'O')
}

func beginsSpan(last, tag byte, lastType, kind string) bool {
	switch {
	case tag == 'O' || tag == '.':
		return false
	case tag == 'B' || tag == 'S' || lastType != kind:
		return true
	}
	return (last == 'E' || last == 'S' || last == 'O') && (tag == 'E' || tag == 'I')
}

// EntityScores are precision, recall and F1 of the entities in pred, over all
// sentences and types together (micro): an entity is right where span and type
// are both gold's. Without entities a figure is 0, as in seqeval. NaN where pred
// and gold differ in length.
func EntityScores(pred, gold [][]string) (precision, recall, f1 float64) {
	if len(pred) != len(gold) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	right, found, there := 0.0, 0.0, 0.0
	for i := range gold {
		if len(pred[i]) != len(gold[i]) {
			return math.NaN(), math.NaN(), math.NaN()
		}
		known := map[Entity]bool{}
		for _, e := range Entities(gold[i]) {
			known[e] = true
			there++
		}
		for _, e := range Entities(pred[i]) {
			found++
			if known[e] {
				right++
			}
		}
	}
	share := func(of float64) float64 {
		if of == 0 {
			return 0
		}
		return right / of
	}
	return share(found), share(there), 2 * share(found+there)
}

// MarksEntities tells whether all class names are tags of entities: O, or one of
// B, I, E and S, alone or with a type. Parts of speech, say, are not.
func MarksEntities(names []string) bool {
	marks := false
	for _, n := range names {
		if n == "O" {
			continue
		}
		if n == "" || !strings.ContainsRune("BIES", rune(n[0])) || len(n) > 1 && n[1] != '-' {
			return false
		}
		marks = true
	}
	return marks
}
