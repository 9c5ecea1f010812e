package data

import (
	"fmt"
	"strings"
)

// Template is the text of a prompt with fields for the data and one place for the word that names the class.
type Template struct {
	parts  []templatePart
	Source string
}

// templatePart is fixed text or, where field is set, one of templateFields.
type templatePart struct {
	text  string
	field string
}

// Fields of a template. fieldMask and fieldLabel are two names of one place.
const (
	fieldText  = "text"
	fieldFirst = "sentence1"
	fieldPair  = "sentence2"
	fieldMask  = "mask"
	fieldLabel = "label"
)

const templateFields = "{text}, {sentence1}, {sentence2} and {mask}"

// ParseTemplate reads a template such as "{text} It was {mask}." {text} and {sentence1} are the first text of a row, {sentence2} is the
// second; {mask}, or {label}, is where the class's word stands, the end where it is left out. {{ and }} are braces.
func ParseTemplate(s string) (Template, error) {
	t := Template{Source: s}
	var fixed strings.Builder
	flush := func() {
		if fixed.Len() > 0 {
			t.parts = append(t.parts, templatePart{text: fixed.String()})
			fixed.Reset()
		}
	}
	for rest := s; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			fixed.WriteByte(rest[0])
			rest = rest[2:]
		case rest[0] == '{':
			name, after, ok := strings.Cut(rest[1:], "}")
			if !ok {
				return t, fmt.Errorf("%q is not closed: write {{ for a brace", rest)
			}
			flush()
			switch name {
			case fieldLabel:
				name = fieldMask
			case fieldText, fieldFirst, fieldPair, fieldMask:
			default:
				return t, fmt.Errorf("{%s} is no field: there are %s", name, templateFields)
			}
			t.parts, rest = append(t.parts, templatePart{field: name}), after
		case rest[0] == '}':
			return t, fmt.Errorf("%q closes nothing: write }} for a brace", rest)
		default:
			fixed.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	flush()
	switch {
	case t.count(fieldMask) > 1:
		return t, fmt.Errorf("{mask} stands %d times: there is one place for the word", t.count(fieldMask))
	case t.count(fieldText)+t.count(fieldFirst)+t.count(fieldPair) == 0:
		return t, fmt.Errorf("no field for the text: write {text}, or {sentence1} and {sentence2}")
	}
	return t, nil
}

func (t Template) count(field string) (n int) {
	for _, p := range t.parts {
		if p.field == field {
			n++
		}
	}
	return n
}

// Masks tells whether the template has {mask}.
func (t Template) Masks() bool { return t.count(fieldMask) > 0 }

// Ends tells whether the word's place is the end of the template.
func (t Template) Ends() bool { return !t.Masks() || t.parts[len(t.parts)-1].field == fieldMask }

// Pairs tells whether the template reads a row's second text.
func (t Template) Pairs() bool { return t.count(fieldPair) > 0 }

// fill gives the text before the word's place and the text behind it.
func (t Template) fill(first, second string) (before, after string) {
	var b [2]strings.Builder
	at := 0
	for _, p := range t.parts {
		switch p.field {
		case fieldMask:
			at = 1
		case fieldPair:
			b[at].WriteString(second)
		case fieldText, fieldFirst:
			b[at].WriteString(first)
		default:
			b[at].WriteString(p.text)
		}
	}
	return b[0].String(), b[1].String()
}
