package data

import (
	"fmt"
	"strings"
)

// resolveNames fills the empty fields of o with the first usual names that has
// knows. all lists the names there are, for the error.
func resolveNames(has func(string) bool, all []string, o Columns) (Columns, error) {
	for _, n := range []string{o.Text, o.Text2, o.Label} {
		if n != "" && !has(n) {
			return o, fmt.Errorf("no column %q; the columns are %s", n, strings.Join(all, ", "))
		}
	}
	if o.Label == "" {
		for _, n := range labelNames {
			if has(n) && n != o.Text && n != o.Text2 {
				o.Label = n
				break
			}
		}
	}
	if o.Text == "" && o.Text2 == "" {
		o.Text, o.Text2 = usualTexts(has, o.Label)
	}
	switch {
	case o.Text == "":
		return o, fmt.Errorf("no text column among %s; name it with --text-column", strings.Join(all, ", "))
	case o.Label == "" && !o.Unlabeled:
		return o, fmt.Errorf("no label column among %s; name it with --label-column", strings.Join(all, ", "))
	}
	return o, nil
}

func usualTexts(has func(string) bool, label string) (text, text2 string) {
	for _, p := range pairNames {
		if has(p[0]) && has(p[1]) && p[0] != label && p[1] != label {
			return p[0], p[1]
		}
	}
	for _, n := range append(append([]string{}, textNames...), "sentence1", "text1", "text_a") {
		if has(n) && n != label {
			return n, ""
		}
	}
	return "", ""
}
