package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeEnv writes docs/failures.md instead of comparing it: LUTHIER_WRITE=1 go test ./cmd/luthier -run TestFailures
const writeEnv = "LUTHIER_WRITE"

const docHead = `# When things go wrong

What luthier prints on standard error behind ` + "`luthier: `" + `, and the code it exits with, for every failure that ` + "`cmd/luthier/failures_*_test.go`" + `
provoke. Those tests wrote this page and hold it against what they see (` + "`LUTHIER_WRITE=1 go test ./cmd/luthier -run TestFailures`" + ` writes it again). A run
that is refused leaves no file behind, and nothing is allocated on the device before the memory plan fits. After a failure in the middle of a
run the last checkpoint is whole, and ` + "`--resume`" + ` goes on from it to the bytes of a run that never failed; an adapter that was there before
stays until another is whole beside it. That holds for ` + "`kill -9`" + ` at any moment too: ` + "`make kill`" + ` does that a hundred times to runs of the bundled
model that save at every step. On two busy cores and Mesa's software adapter it took 1582 s; 45 kills came before the first checkpoint, 22
while files were written, and all 100 runs ended in the bytes of the one that was never killed.
`

// mendedTitle is the last heading, behind those of the exit codes.
var mendedTitle = struct {
	code  int
	title string
}{exitDone, "no failure: what is mended"}

const docMended = `Told in the header of the run, which trains.

`

// told collects what failures printed.
type told map[int][]string

// varying is what differs from run to run in a message.
var varying = regexp.MustCompile(`process \d+ on [^)]+|checkpoint-\d+: not written|; OS thread: .*`)

func (d told) add(f failure, msg string) {
	msg = varying.ReplaceAllStringFunc(strings.TrimPrefix(msg, "luthier: "), func(s string) string {
		s = regexp.MustCompile(`\d+`).ReplaceAllString(s, "N")
		return regexp.MustCompile(` on .*`).ReplaceAllString(s, " on HOST")
	})
	var lines []string
	for l := range strings.Lines(msg) {
		lines = append(lines, strings.TrimSpace(l))
	}
	cell := strings.ReplaceAll(strings.Join(lines, "<br>"), "|", `\|`)
	d[f.code] = append(d[f.code], fmt.Sprintf("| %s | %s |\n", f.what, cell))
}

func (d told) text() string {
	var b strings.Builder
	b.WriteString(docHead)
	for _, c := range append(slices.Clone(codeTitles), mendedTitle) {
		fmt.Fprintf(&b, "\n## %d: %s\n\n", c.code, c.title)
		if c.code == exitDone {
			b.WriteString(docMended)
		}
		b.WriteString("| situation | message |\n|---|---|\n" + strings.Join(d[c.code], ""))
	}
	return b.String()
}

// figures are sizes and the like, which a better plan changes; the document need not be written again for them.
var figures = regexp.MustCompile(`\d+(\.\d+)?( [KMG]iB)?`)

func masked(s string) string { return figures.ReplaceAllString(s, "#") }

// compare holds the document against what was printed. Where a failure could not be provoked on this machine its row is not looked at.
func (d told) compare(t *testing.T, path string, all bool) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Clean(path))
	require.NoError(t, err)
	have := masked(string(raw))
	for _, rows := range d {
		for _, row := range rows {
			require.Contains(t, have, masked(row), "docs/failures.md is stale: %s=1 go test ./cmd/luthier -run TestFailures", writeEnv)
		}
	}
	if all {
		require.Equal(t, masked(d.text()), have, "docs/failures.md is stale: %s=1 go test ./cmd/luthier -run TestFailures", writeEnv)
	}
}
