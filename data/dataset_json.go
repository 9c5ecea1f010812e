package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
)

// jsonRow is an object of a JSON file and the line it starts on.
type jsonRow struct {
	fields map[string]json.RawMessage
	line   int
}

// eachJSON calls f with every object of a file that is one array of objects or
// a row of objects, as .jsonl has them.
func eachJSON(path string, raw []byte, f func(jsonRow) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	lines := lineCounter{raw: raw, line: 1}
	array := bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("["))
	if array {
		_, _ = dec.Token()
	}
	for {
		if array && !dec.More() {
			if _, err := dec.Token(); err != nil {
				return lineError(path, lines.at(int64(len(raw))), "the array is not closed: %w", err)
			}
			return nil
		}
		start := skipGap(raw, dec.InputOffset())
		var obj map[string]json.RawMessage
		err := dec.Decode(&obj)
		if errors.Is(err, io.EOF) && !array {
			return nil
		}
		line := lines.at(start)
		if err != nil {
			return lineError(path, line, "not a JSON object: %w", err)
		}
		if obj == nil {
			return lineError(path, line, "null where an object should be")
		}
		if err := f(jsonRow{obj, line}); err != nil {
			return err
		}
	}
}

// skipGap passes white space and the comma between values.
func skipGap(raw []byte, at int64) int64 {
	for at < int64(len(raw)) && bytes.IndexByte([]byte(" \t\r\n,"), raw[at]) >= 0 {
		at++
	}
	return at
}

// lineCounter turns growing byte offsets into line numbers in one pass.
type lineCounter struct {
	raw  []byte
	done int64
	line int
}

func (c *lineCounter) at(off int64) int {
	off = min(off, int64(len(c.raw)))
	if off > c.done {
		c.line += bytes.Count(c.raw[c.done:off], []byte("\n"))
		c.done = off
	}
	return c.line
}

func classificationFromJSON(path string, raw []byte, o Columns) ([]Example, error) {
	var out []Example
	var cols *Columns // decided by the first row
	err := eachJSON(path, raw, func(r jsonRow) error {
		if cols == nil {
			has := func(n string) bool { _, ok := r.fields[n]; return ok }
			c, err := resolveNames(has, slices.Sorted(maps.Keys(r.fields)), o)
			if err != nil {
				return lineError(path, r.line, "%w", err)
			}
			cols = &c
		}
		e, err := exampleFromJSON(path, r, *cols)
		out = append(out, e)
		return err
	})
	return out, err
}

func exampleFromJSON(path string, r jsonRow, c Columns) (e Example, err error) {
	e.Line = r.line
	if e.Text, err = stringField(path, r, c.Text); err != nil {
		return e, err
	}
	if c.Text2 != "" {
		e.HasPair = true
		if e.Text2, err = stringField(path, r, c.Text2); err != nil {
			return e, err
		}
	}
	if c.Label == "" {
		return e, nil
	}
	v, ok := r.fields[c.Label]
	if !ok || string(v) == "null" {
		if c.Unlabeled {
			return e, nil
		}
		return e, lineError(path, r.line, "no %q", c.Label)
	}
	e.Label, e.HasLabel = labelText(v)
	if !e.HasLabel {
		return e, lineError(path, r.line, "%q is neither text, number nor true or false: %.40s", c.Label, v)
	}
	return e, nil
}

func stringField(path string, r jsonRow, name string) (string, error) {
	v, ok := r.fields[name]
	if !ok {
		return "", lineError(path, r.line, "no %q", name)
	}
	var s *string
	if err := json.Unmarshal(v, &s); err != nil || s == nil {
		return "", lineError(path, r.line, "%q is not text: %.40s", name, v)
	}
	return *s, nil
}

// labelText gives a label as text: numbers and truth values as they are written.
func labelText(v json.RawMessage) (string, bool) {
	switch v[0] {
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err == nil && s != ""
	case '{', '[', 'n':
		return "", false
	}
	return string(v), true
}
