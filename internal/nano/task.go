package nano

import (
	"slices"
	"strings"
)

// Row is a sentence of the demo's task with its label.
type Row struct{ Text, Label string }

// Topics are the labels of the demo's task: what a sentence of a review is about.
var Topics = []string{"concert", "inn", "instrument", "meal", "voyage"}

const (
	topicTrain = 250
	topicTest  = 400
)

// topicForms are the forms of a row. They, and the praise and blame in them, are the same for every topic: only the nouns tell.
var topicForms = []string{
	"the {n1} {was1} {any1}",
	"the {n1} {was1} {any1} and {any2}",
	"{p} said that the {n1} {was1} {any1}",
	"I thought that the {n1} {was1} {any1}, and so did {p}",
	"the {n1} {was1} {any1}, and the {n2} {was2} {any2}",
	"{p} told us about the {n1}, for the {n2} {was2} {any1}",
}

// Task returns the rows of the demo's classification task: a sentence about one or two things, labelled with the outing that they
// belong to. Half of the things of each topic never occur in the training rows. The corpus has them all, in reviews of that topic, so that
// a pretrained model knows what belongs together and a model without that start must guess. Labels are balanced and no text occurs twice.
func Task(seed uint64) (train, test []Row) {
	r := &rng{state: seed ^ 0x70}
	all, known := map[string][]string{}, map[string][]string{}
	for _, t := range Topics {
		words := topicThings(t)
		shuffle(r, words)
		known[t] = slices.Clone(words[:(len(words)+1)/2])
		all[t] = words
	}
	seen := map[string]bool{}
	return topicRows(r, topicTrain, known, seen), topicRows(r, topicTest, all, seen)
}

// topicThings are the things of a topic that no other topic has, as noun/class.
func topicThings(topic string) []string {
	of := func(t string) []string {
		return append(slices.Clone(loaded().lists[t+".whole"]), loaded().lists[t+".part"]...)
	}
	noun := func(value string) string { n, _, _ := strings.Cut(value, "/"); return n }
	var out []string
	for _, v := range of(topic) {
		elsewhere := false
		for _, t := range Topics {
			elsewhere = elsewhere || t != topic && slices.ContainsFunc(of(t), func(o string) bool { return noun(o) == noun(v) })
		}
		if !elsewhere {
			out = append(out, noun(v))
		}
	}
	return out
}

func topicRows(r *rng, n int, things map[string][]string, seen map[string]bool) []Row {
	var out []Row
	for len(out) < n {
		topic := Topics[len(out)%len(Topics)]
		if text := topicRow(r, things[topic]); !seen[text] {
			seen[text] = true
			out = append(out, Row{text, topic})
		}
	}
	shuffle(r, out)
	return out
}

// topicRow makes one row about two of the things.
func topicRow(r *rng, things []string) string {
	i := r.intn(len(things))
	j := (i + 1 + r.intn(len(things)-1)) % len(things)
	pairs := []string{}
	for k, v := range []string{things[i], things[j]} {
		noun, many := strings.CutSuffix(v, "+")
		was := "was"
		if many {
			was = "were"
		}
		k := string(rune('1' + k))
		pairs = append(pairs, "{n"+k+"}", noun, "{was"+k+"}", was)
	}
	s := newDoc(r).scope(r.chance(50))
	any := s.side(true) + ".any"
	first := s.pick(any)
	pairs = append(pairs, "{any1}", first, "{any2}", s.pick(any))
	form := topicForms[r.intn(len(topicForms))]
	return finish(s.expand(strings.NewReplacer(pairs...).Replace(form)) + ".")
}
