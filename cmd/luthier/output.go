package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
)

// emit writes one JSON value on a line.
func (a *app) emit(v any) {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		fmt.Fprintf(a.err, "luthier: %v\n", err)
	}
}

// say writes a line for people; nothing with --json.
func (a *app) say(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.out, format+"\n", args...)
	}
}

// warn writes a line for people to standard error.
func (a *app) warn(format string, args ...any) { fmt.Fprintf(a.err, "luthier: "+format+"\n", args...) }

// table writes rows in columns, the first row being the head; columns named in right are aligned to the right.
func (a *app) table(rows [][]string) {
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush()
}

// finiteOr is x, or nil where JSON has no number for it.
func finiteOr(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}

// thousands writes a count with commas, as PEFT's line of trainable parameters has it.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
