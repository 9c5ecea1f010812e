package nano

import (
	"iter"
	"strings"
)

// kinds are the documents of the corpus with their shares in a hundred.
var kinds = []struct {
	share int
	make  func(*rng) string
}{
	{28, func(r *rng) string { return opinionDoc(r, "review") }},
	{8, func(r *rng) string { return opinionDoc(r, "ask") }},
	{8, func(r *rng) string { return opinionDoc(r, "gloss") }},
	{36, func(r *rng) string { return opinionDoc(r, "senses") }},
	{8, func(r *rng) string { return newDoc(r).scope(true).say("story") }},
	{7, func(r *rng) string { return newDoc(r).scope(true).say("facts") }},
	{5, func(r *rng) string { return newDoc(r).scope(true).say("qa") }},
}

// Corpus yields documents of one line each until they hold about tokensApprox
// tokens, counted as words and punctuation marks; a byte-level BPE of 2,048
// entries makes a little more of them. The same seed yields the same
// documents, and a longer corpus begins with the shorter one.
func Corpus(seed uint64, tokensApprox int) iter.Seq[string] {
	return func(yield func(string) bool) {
		r := &rng{state: seed}
		for count := 0; count < tokensApprox; {
			text := document(r)
			count += tokens(text)
			if !yield(text) {
				return
			}
		}
	}
}

func document(r *rng) string {
	n := r.intn(100)
	for _, k := range kinds {
		if n -= k.share; n < 0 {
			return k.make(r)
		}
	}
	panic("nano: the shares of the kinds do not add up to a hundred")
}

func tokens(text string) int {
	n := len(strings.Fields(text))
	for _, c := range text {
		if strings.ContainsRune(`.,;:!?"`, c) {
			n++
		}
	}
	return n
}

// opinionDoc is a document with a polarity. In reviews anybody may speak, in
// the others a person of the world.
func opinionDoc(r *rng, list string) string {
	s := newReview(r, r.chance(50))
	if list == "review" && r.chance(45) {
		s.who = &reviewer{many: r.chance(40)}
	}
	return s.say(list)
}

// newReview sets up what a review is about and who speaks.
func newReview(r *rng, positive bool) *scope {
	s := newDoc(r).scope(positive)
	s.domain = s.pick("domain")
	s.vars["whole1"] = s.pick("whole")
	s.vars["player1"] = s.pick("player")
	name := s.pick("p")
	s.who = &reviewer{name: name, sex: s.g.tables["p"].rows[name]["sex"]}
	return s
}
