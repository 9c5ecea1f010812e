package peft

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Pattern is PEFT's rank_pattern or alpha_pattern: values for modules whose path ends in a match of a regular expression. Where several
// match, the first one counts, so the order is kept: that of the file, or of the flag.
type Pattern[T int | float64] []Choice[T]

// Choice is one key of a Pattern with its value.
type Choice[T int | float64] struct {
	Key   string
	Value T
}

// set gives a key its value. As in a Python dict, a key that comes again keeps its place.
func (p *Pattern[T]) set(key string, v T) {
	for i := range *p {
		if (*p)[i].Key == key {
			(*p)[i].Value = v
			return
		}
	}
	*p = append(*p, Choice[T]{key, v})
}

// at is the value for the module at path, def where no key matches; each key is compiled in keys.
func (p Pattern[T]) at(keys map[string]*expression, path string, def T) (T, error) {
	for _, c := range p {
		e := keys[c.Key]
		hit := e.match(path)
		if e.fault != nil {
			return def, e.fault
		}
		if hit {
			return c.Value, nil
		}
	}
	return def, nil
}

func (p Pattern[T]) keys() []string {
	out := make([]string, len(p))
	for i, c := range p {
		out[i] = c.Key
	}
	return out
}

// reorder puts the keys in the order of a list; those that it lacks come last, as they stand.
func (p Pattern[T]) reorder(order []string) {
	place := func(c Choice[T]) int {
		if i := slices.Index(order, c.Key); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(p, func(a, b Choice[T]) int { return cmp.Compare(place(a), place(b)) })
}

// MarshalJSON writes an object with the keys in order. PEFT wants an empty one, not null.
func (p Pattern[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range p {
		key, err := json.Marshal(c.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(c.Value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%s", key, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads an object, or null.
func (p *Pattern[T]) UnmarshalJSON(raw []byte) error {
	*p = nil
	if string(raw) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("rank_pattern or alpha_pattern: want an object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		var v T
		key, _ := t.(string) // keys of an object are strings
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("rank_pattern or alpha_pattern, %q: %w", key, err)
		}
		p.set(key, v)
	}
	return nil
}

// patternFlag is a Pattern on the command line: KEY=VALUE with commas between, in CSV's quotes where a key has a comma.
type patternFlag[T int | float64] struct {
	to    *Pattern[T]
	given bool
}

// Set takes the place of what was there by default; a flag that is given again adds to it.
func (f *patternFlag[T]) Set(s string) error {
	if !f.given {
		*f.to, f.given = nil, true
	}
	if strings.TrimSpace(s) == "" {
		return nil
	}
	parts, err := csv.NewReader(strings.NewReader(s)).Read()
	if err != nil {
		return err
	}
	for _, part := range parts {
		i := strings.LastIndex(part, "=") // an expression may have one of its own
		if i < 0 {
			return fmt.Errorf("%s: want NAME=NUMBER", part)
		}
		v, err := number[T](part[i+1:])
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		f.to.set(strings.TrimSpace(part[:i]), v)
	}
	return nil
}

// Type is shown in help.
func (f *patternFlag[T]) Type() string { return "pattern" }

// String is what Set takes.
func (f *patternFlag[T]) String() string {
	if f.to == nil || len(*f.to) == 0 {
		return ""
	}
	var parts []string
	for _, c := range *f.to {
		parts = append(parts, fmt.Sprintf("%s=%v", c.Key, c.Value))
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(parts) // a Builder takes all
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

func number[T int | float64](s string) (v T, err error) {
	s = strings.TrimSpace(s)
	switch p := any(&v).(type) {
	case *int:
		if *p, err = strconv.Atoi(s); err != nil {
			err = fmt.Errorf("want a whole number")
		}
	case *float64:
		if *p, err = strconv.ParseFloat(s, 64); err != nil {
			err = fmt.Errorf("want a number")
		}
	}
	return v, err
}
