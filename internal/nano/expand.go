package nano

import (
	"fmt"
	"maps"
	"strings"
)

// doc is what one document shares among its parts.
type doc struct {
	g      *grammar
	r      *rng
	used   map[string]bool // picks so far, to avoid repeating them
	domain string          // what a review is about
	who    *reviewer
}

// scope expands templates. In a template,
//
//	{name}       is one of the alternatives of a list or the key of a random row of a table,
//	{name1}      the same, but the same choice wherever {name1} stands in this scope,
//	{name1.col}  a column of that row; if a table has the column's name, {name1.col.col2} goes on from there,
//	{@name}      an alternative expanded in a scope of its own,
//	{~name}      the same with praise and blame exchanged,
//	[a|b|]       one of a, b and nothing.
//
// Lists named q.x, o.x are pos.x and neg.x by the polarity of the scope; see
// opinion.go for those and for {part1.q}.
type scope struct {
	*doc
	positive bool
	vars     map[string]string
}

func newDoc(r *rng) *doc {
	return &doc{g: loaded(), r: r, used: map[string]bool{}}
}

func (d *doc) scope(positive bool) *scope {
	return &scope{doc: d, positive: positive, vars: map[string]string{}}
}

// say expands one alternative of the list and makes it a well-formed text.
func (s *scope) say(list string) string { return finish(s.expand(s.pick(list))) }

// expand replaces every {symbol} and [choice] of the template.
func (s *scope) expand(template string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(template, "{[")
		if i < 0 {
			b.WriteString(template)
			return b.String()
		}
		b.WriteString(template[:i])
		closing := "}"
		if template[i] == '[' {
			closing = "]"
		}
		inner, rest, ok := strings.Cut(template[i+1:], closing)
		if !ok {
			panic(fmt.Sprintf("nano: %q is not closed", template[i:]))
		}
		if closing == "]" {
			options := strings.Split(inner, "|")
			b.WriteString(s.expand(options[s.r.intn(len(options))]))
		} else {
			b.WriteString(s.symbol(inner))
		}
		template = rest
	}
}

func (s *scope) symbol(name string) string {
	if name[0] == '@' || name[0] == '~' {
		child := &scope{doc: s.doc, positive: s.positive != (name[0] == '~'), vars: maps.Clone(s.vars)}
		return child.expand(child.pick(name[1:]))
	}
	if word, ok := s.pronoun(name); ok {
		return word
	}
	head, fields, hasFields := strings.Cut(name, ".")
	if base := strings.TrimRight(head, "123"); base != head {
		value, bound := s.vars[head]
		if !bound {
			value = s.pick(base)
			s.vars[head] = value
		}
		if base == "part" || base == "whole" {
			return s.thing(value, fields)
		}
		if !hasFields {
			return value
		}
		return s.g.field(base, value, fields)
	}
	if s.g.tables[head] != nil && hasFields {
		return s.g.field(head, s.pick(head), fields)
	}
	return s.expand(s.pick(name))
}

// field follows a path of columns from a row: field("p", "Ada", "trade.tool").
func (g *grammar) field(name, key, path string) string {
	for column := range strings.SplitSeq(path, ".") {
		t := g.tables[name]
		if t == nil || t.rows[key] == nil {
			panic(fmt.Sprintf("nano: no row %q in table %q", key, name))
		}
		row := t.rows[key]
		value, ok := row[column]
		if !ok {
			if value = pronounOf(row["sex"], column); value == "" {
				panic(fmt.Sprintf("nano: table %q has no column %q", name, column))
			}
		}
		name, key = column, value
	}
	return key
}

// pick returns an alternative of the list or a key of the table, one not yet
// used in this document if there is any luck.
func (s *scope) pick(name string) string {
	options, name := s.options(name)
	choice := ""
	for range 12 {
		choice = options[s.r.intn(len(options))]
		if !s.used[name+"/"+choice] {
			break
		}
	}
	s.used[name+"/"+choice] = true
	if name == "p" {
		s.useRegion(s.g.field("p", choice, "town.region"))
	}
	return choice
}

// useRegion keeps further people of a region out of the document, whose
// people travel and write to each other.
func (s *scope) useRegion(region string) {
	for _, key := range s.g.tables["p"].keys {
		if s.g.field("p", key, "town.region") == region {
			s.used["p/"+key] = true
		}
	}
}

// options finds a list by its name, that name seen from the polarity of the
// scope, or that name in the domain of the review; or the keys of a table.
func (s *scope) options(name string) ([]string, string) {
	if side, rest, ok := strings.Cut(name, "."); ok && (side == "q" || side == "o") {
		name = s.side(side == "q") + "." + rest
	}
	if opinionList(name) {
		if own := name + "." + s.domain; len(s.g.lists[own]) > 0 {
			name = own
		}
		return s.g.lists[name], name
	}
	for _, n := range []string{name, s.domain + "." + name} {
		if len(s.g.lists[n]) > 0 {
			return s.g.lists[n], name
		}
	}
	if t := s.g.tables[name]; t != nil {
		return t.keys, name
	}
	panic(fmt.Sprintf("nano: nothing is called %q", name))
}
