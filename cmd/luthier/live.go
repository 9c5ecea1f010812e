package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// live is a progress line on a terminal, and nothing elsewhere.
type live struct{ bar *progressbar.ProgressBar }

// terminal tells whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// live starts a line of n parts on standard error.
func (a *app) live(n int, what string) *live {
	if a.json || !terminal(a.err) || !terminal(a.out) {
		return &live{}
	}
	return &live{progressbar.NewOptions(n, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(16), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetElapsedTime(true))}
}

func (l *live) on() bool { return l.bar != nil }

func (l *live) note(s string) {
	if l.on() {
		l.bar.Describe(s)
	}
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
