package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// tableRow is a row of a .tsv or .csv and the line it starts on.
type tableRow struct {
	cells []string
	line  int
}

// splitTSV cuts lines at tabs; blank lines are left out.
func splitTSV(raw []byte) []tableRow {
	var out []tableRow
	line := 0
	for s := range strings.Lines(string(raw)) {
		line++
		s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
		if strings.TrimSpace(s) != "" {
			out = append(out, tableRow{strings.Split(s, "\t"), line})
		}
	}
	return out
}

func splitCSV(path string, raw []byte) ([]tableRow, error) {
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord = -1 // fromTable counts, with a better message
	var out []tableRow
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		var pe *csv.ParseError
		if errors.As(err, &pe) {
			return nil, lineError(path, pe.StartLine, "%w (a quote inside a cell is doubled and the cell quoted)", pe.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		if len(cells) > 1 || strings.TrimSpace(cells[0]) != "" {
			out = append(out, tableRow{cells, line})
		}
	}
}

// columnPlan holds column numbers from 0; -1 for absent.
type columnPlan struct{ text, text2, label int }

func fromTable(path string, rows []tableRow, o Columns) ([]Example, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	plan, header, err := planColumns(path, rows, o)
	if err != nil {
		return nil, err
	}
	width := len(rows[0].cells)
	if header {
		rows = rows[1:]
	}
	out := make([]Example, 0, len(rows))
	for _, r := range rows {
		if len(r.cells) != width {
			return nil, lineError(path, r.line, "%s where the first row has %d", columns(len(r.cells)), width)
		}
		e := Example{Text: r.cells[plan.text], Line: r.line}
		if plan.text2 >= 0 {
			e.Text2, e.HasPair = r.cells[plan.text2], true
		}
		if plan.label >= 0 {
			e.Label, e.HasLabel = strings.TrimSpace(r.cells[plan.label]), true
			if e.Label == "" && !o.Unlabeled {
				return nil, lineError(path, r.line, "the label is empty")
			}
			e.HasLabel = e.Label != ""
		}
		out = append(out, e)
	}
	return out, nil
}

// planColumns decides which column is what and whether the first row is a header. A language model's columns are none of text and label
// unless they are named: prompts with as many classes as answers train without a word, and to no use.
func planColumns(path string, rows []tableRow, o Columns) (p columnPlan, header bool, err error) {
	first := make([]string, len(rows[0].cells))
	for i, c := range rows[0].cells {
		first[i] = strings.ToLower(strings.TrimSpace(c))
	}
	header = slices.ContainsFunc(first, isColumnName) || languageHeader(first)
	for _, name := range []string{o.Text, o.Text2, o.Label} {
		if _, err := strconv.Atoi(name); name != "" && err != nil {
			header = header || slices.Contains(first, strings.ToLower(name))
		}
	}
	if header {
		if p, err = planByName(first, o); err != nil && o == (Columns{Unlabeled: o.Unlabeled}) && languageRows(first) {
			err = fmt.Errorf(`the columns %s are those of a language model's rows, not of texts and classes: write them as .jsonl, {"prompt": ..., "completion": ...} a line; to classify all the same, name --text-column and --label-column`,
				strings.Join(first, ", "))
		}
	} else {
		p, err = planByShape(rows, o)
	}
	if err == nil && !header && looksLikeHeader(rows, p.label) {
		err = fmt.Errorf("label %q stands in the first row only, which looks like a header of other names: name the columns of text and label", rows[0].cells[p.label])
	}
	if err != nil {
		return p, header, lineError(path, rows[0].line, "%w", err)
	}
	return p, header, nil
}

// looksLikeHeader holds where the first label is found nowhere else although the
// other rows use each label many times.
func looksLikeHeader(rows []tableRow, label int) bool {
	if label < 0 || len(rows) < 8 {
		return false
	}
	first := rows[0].cells[label]
	for _, r := range rows[1:] {
		if label < len(r.cells) && r.cells[label] == first {
			return false
		}
	}
	return distinct(rows, label) <= len(rows)/4
}

// isColumnName holds for the names that make a first row a header.
func isColumnName(s string) bool {
	known := func(p [2]string) bool { return s == p[0] || s == p[1] }
	return slices.Contains(textNames, s) || slices.Contains(labelNames, s) || slices.ContainsFunc(pairNames, known)
}

// planByName finds columns in the header; names is in lower case.
func planByName(names []string, o Columns) (columnPlan, error) {
	find, err := resolveNames(func(n string) bool { return slices.Contains(names, strings.ToLower(n)) || isNumber(n) }, names, o)
	if err != nil {
		return columnPlan{}, err
	}
	at := func(n string) (int, error) {
		if n == "" {
			return -1, nil
		}
		if i := slices.Index(names, strings.ToLower(n)); i >= 0 {
			return i, nil
		}
		return columnNumber(n, len(names))
	}
	var p columnPlan
	if p.text, err = at(find.Text); err != nil {
		return p, err
	}
	if p.text2, err = at(find.Text2); err != nil {
		return p, err
	}
	p.label, err = at(find.Label)
	return p, err
}

// planByShape decides for a table without a header.
func planByShape(rows []tableRow, o Columns) (columnPlan, error) {
	width := len(rows[0].cells)
	p := columnPlan{-1, -1, -1}
	if o.Text != "" || o.Text2 != "" || o.Label != "" {
		for _, c := range []struct {
			name string
			to   *int
		}{{o.Text, &p.text}, {o.Text2, &p.text2}, {o.Label, &p.label}} {
			if c.name == "" {
				continue
			}
			i, err := columnNumber(c.name, width)
			if err != nil {
				return p, err
			}
			*c.to = i
		}
	}
	switch {
	case p.text >= 0 && (p.label >= 0 || o.Unlabeled):
		return p, nil
	case o.Text == "" && o.Text2 == "" && o.Label == "":
		return guessShape(rows, o.Unlabeled)
	case width == 2 && p.text2 < 0 && p.text >= 0:
		p.label = 1 - p.text
		return p, nil
	case width == 2 && p.text2 < 0 && p.label >= 0:
		p.text = 1 - p.label
		return p, nil
	}
	return p, fmt.Errorf("no header: name the column numbers of text and label (there are %d columns)", width)
}

func guessShape(rows []tableRow, unlabeled bool) (columnPlan, error) {
	width := len(rows[0].cells)
	switch {
	case width == 1 && unlabeled:
		return columnPlan{0, -1, -1}, nil
	case width == 2:
		if distinct(rows, 0) < distinct(rows, 1) {
			return columnPlan{1, -1, 0}, nil
		}
		return columnPlan{0, -1, 1}, nil
	case width == 3:
		return columnPlan{0, 1, 2}, nil
	}
	return columnPlan{}, fmt.Errorf("%d columns and no header with names like text and label: name the columns of text and label by number, from 1", width)
}

func distinct(rows []tableRow, col int) int {
	seen := map[string]bool{}
	for _, r := range rows {
		if col < len(r.cells) {
			seen[r.cells[col]] = true
		}
	}
	return len(seen)
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// columnNumber reads a column number counted from 1 and gives it from 0.
func columnNumber(s string, width int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("no column %q: the file has no header with that name", s)
	}
	if n < 1 || n > width {
		return 0, fmt.Errorf("column %d: there are %d columns, counted from 1", n, width)
	}
	return n - 1, nil
}
