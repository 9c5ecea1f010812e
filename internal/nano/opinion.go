package nano

import (
	"fmt"
	"strings"
)

// reviewer is who speaks in a review: "I", "we" or a person of the world, who
// is named once and then "he" or "she".
type reviewer struct {
	name  string // "" for I and we
	many  bool
	sex   string
	named bool
}

func (s *scope) side(same bool) string {
	if s.positive == same {
		return "pos"
	}
	return "neg"
}

func opinionList(name string) bool {
	return strings.HasPrefix(name, "pos.") || strings.HasPrefix(name, "neg.")
}

// thing says something about "noun/class", the value of {part1} or {whole1}:
// the noun itself, a form of to be that agrees with it, or a word for it that
// is of the scope's polarity (q), of the other one (o), or of the other one
// and such that its denial means the opposite (n).
func (s *scope) thing(value, field string) string {
	noun, class, _ := strings.Cut(value, "/")
	noun, many := strings.CutSuffix(noun, "+")
	switch field {
	case "":
		return noun
	case "was", "is":
		if many {
			return map[string]string{"was": "were", "is": "are"}[field]
		}
		return field
	case "q", "o":
		return s.quality(s.side(field == "q"), class)
	case "pos", "neg":
		return s.quality(field, class)
	case "n":
		for {
			if w := s.quality(s.side(false), class); !s.strong(w) {
				return w
			}
		}
	}
	panic(fmt.Sprintf("nano: nothing is known about %q of %q", field, noun))
}

// quality picks a word of the class or, two times in five, one that suits everything.
func (s *scope) quality(side, class string) string {
	if s.r.chance(40) {
		class = "any"
	}
	return s.pick(side + "." + class)
}

func (s *scope) strong(word string) bool {
	for _, w := range s.g.lists["strong"] {
		if w == word {
			return true
		}
	}
	return false
}

var pronouns = map[string][4]string{ // I, we, he, she
	"we": {"I", "we", "he", "she"}, "us": {"me", "us", "him", "her"}, "our": {"my", "our", "his", "her"},
	"i": {"I", "we", "he", "she"}, "he": {"I", "we", "he", "she"}, "him": {"me", "us", "him", "her"},
	"his": {"my", "our", "his", "her"}, "heart": {"heart", "hearts", "heart", "heart"},
	"head": {"head", "heads", "head", "head"},
}

// pronoun answers {we}, {us}, {our} and {he}, {him}, {his}, all of them the
// reviewer, who is named where first spoken of and wherever {i} stands.
func (s *scope) pronoun(name string) (string, bool) {
	forms, ok := pronouns[name]
	w := s.who
	if !ok || w == nil {
		return "", false
	}
	if w.name == "" {
		if w.many {
			return forms[1], true
		}
		return forms[0], true
	}
	first := !w.named
	if name != "heart" && name != "head" {
		w.named = true
		if name == "i" || first {
			if name == "our" || name == "his" {
				return w.name + "'s", true
			}
			return w.name, true
		}
	}
	if w.sex == "f" {
		return forms[3], true
	}
	return forms[2], true
}

func pronounOf(sex, column string) string {
	switch {
	case sex == "" || column != "he" && column != "him" && column != "his":
		return ""
	case sex == "m":
		return column
	}
	return map[string]string{"he": "she", "him": "her", "his": "her"}[column]
}
