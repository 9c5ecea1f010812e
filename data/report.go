package data

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoData says that a file holds no examples.
var ErrNoData = errors.New("no examples")

// ErrOneClass says that all labels are the same, so that there is nothing to learn.
var ErrOneClass = errors.New("only one class")

// Report counts what was read and what had to be changed on the way.
type Report struct {
	Rows        int // examples or documents read, or sequences made
	Tokens      int // ids in all sequences, special tokens included
	Truncated   int // sequences cut to the maximum length
	Lost        int // ids that cutting took away
	Longest     int // ids of the longest before cutting
	InvalidUTF8 int // bad stretches of bytes replaced by U+FFFD
}

// Add sums two reports; Longest is the larger one.
func (r Report) Add(o Report) Report {
	return Report{
		Rows: r.Rows + o.Rows, Tokens: r.Tokens + o.Tokens, Truncated: r.Truncated + o.Truncated, Lost: r.Lost + o.Lost,
		Longest: max(r.Longest, o.Longest), InvalidUTF8: r.InvalidUTF8 + o.InvalidUTF8,
	}
}

// String gives the counts in one line, without those that are zero.
func (r Report) String() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(r.Rows, "rows")
	add(r.Tokens, "tokens")
	add(r.Longest, "longest")
	add(r.Truncated, "truncated")
	add(r.Lost, "tokens cut away")
	add(r.InvalidUTF8, "invalid UTF-8 replaced")
	if len(parts) == 0 {
		return "empty"
	}
	return strings.Join(parts, ", ")
}

// lineError is an error at a line of a file.
func lineError(path string, line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: "+format, append([]any{path, line}, args...)...)
}
