package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// LabelSet gives the distinct labels of labelled examples: in numeric order if
// all are integers, else in byte order. Their positions are the class ids. With
// fewer than two it also gives ErrOneClass (ErrNoData for none).
func LabelSet(examples []Example) (names []string, err error) {
	seen := map[string]bool{}
	for _, e := range examples {
		if e.HasLabel && !seen[e.Label] {
			seen[e.Label] = true
			names = append(names, e.Label)
		}
	}
	sortLabels(names)
	switch len(names) {
	case 0:
		return nil, fmt.Errorf("labels: %w", ErrNoData)
	case 1:
		return names, fmt.Errorf("label %q in every row: %w", names[0], ErrOneClass)
	}
	return names, nil
}

func sortLabels(names []string) {
	ints := map[string]int64{}
	for _, n := range names {
		v, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			slices.Sort(names)
			return
		}
		ints[n] = v
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := cmp.Compare(ints[a], ints[b]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
}

// ClassIDs gives each example's position in names; Ignore where it has no label.
// A label that is not in names is an error that names path and line.
func ClassIDs(path string, examples []Example, names []string) ([]int32, error) {
	at := make(map[string]int32, len(names))
	for i, n := range names {
		at[n] = int32(i)
	}
	out := make([]int32, len(examples))
	for i, e := range examples {
		if !e.HasLabel {
			out[i] = Ignore
			continue
		}
		id, ok := at[e.Label]
		if !ok {
			return nil, lineError(path, e.Line, "label %q is not one of the %d the model knows: %s", e.Label, len(names), abridge(names))
		}
		out[i] = id
	}
	return out, nil
}

// Targets reads the labels as numbers, for regression.
func Targets(path string, examples []Example) ([]float32, error) {
	out := make([]float32, len(examples))
	for i, e := range examples {
		v, err := strconv.ParseFloat(e.Label, 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, lineError(path, e.Line, "label %q is not a number", e.Label)
		}
		out[i] = float32(v)
	}
	return out, nil
}

func abridge(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
