package main

import (
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// live is a progress line on a terminal, and nothing elsewhere.
type live struct {
	bar     *progressbar.ProgressBar
	columns func() int
	fixed   int // columns that the line takes beside its note
}

// terminal tells whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is the width of a terminal; 80 where it does not tell.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// live starts a line of n parts on standard error, with the time that went and the time that the rest may take.
func (a *app) live(n int, what string) *live { return a.progress(n, what, true) }

// progress is live; without times it leaves them to its notes.
func (a *app) progress(n int, what string, times bool) *live {
	if a.json || !terminal(a.err) || !terminal(a.out) {
		return &live{}
	}
	l := &live{columns: func() int { return columns(a.err) }}
	width := min(24, max(4, l.columns()-100)) // what the numbers leave
	l.fixed = len(" 100% || () ") + width + len(fmt.Sprintf("%d/%d", n, n))
	if times {
		l.fixed += len("[99m59s:99m59s] ")
	}
	l.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(width), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(times),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetElapsedTime(times))
	return l
}

func (l *live) on() bool { return l.bar != nil }

// note says what is known, the most wanted first: what does not fit into the terminal is left out, since a line that wraps cannot be redrawn.
func (l *live) note(parts ...string) {
	if l.on() {
		l.bar.Describe(fitting(parts, l.columns()-l.fixed))
	}
}

// fitting joins the parts that fit into so many columns, at least one.
func fitting(parts []string, columns int) string {
	out := parts[0]
	for _, p := range parts[1:] {
		next := out + "  " + p
		if utf8.RuneCountInString(next) > columns {
			break
		}
		out = next
	}
	return out
}

func (l *live) add(n int) {
	if l.on() {
		_ = l.bar.Add(n) // drawing on a terminal: an error has no consequence
	}
}

// at moves to part n.
func (l *live) at(n int) {
	if l.on() {
		_ = l.bar.Set(n)
	}
}

// aside clears the line so that something can be printed above it.
func (l *live) aside(print func()) {
	if l.on() {
		_ = l.bar.Clear()
	}
	print()
}

func (l *live) end() {
	if l.on() {
		_ = l.bar.Finish()
		_ = l.bar.Clear()
	}
}
