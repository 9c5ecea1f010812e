package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeEnv writes docs/failures.md instead of comparing it: LUTHIER_WRITE=1 go test ./cmd/luthier -run TestFailures
const writeEnv = "LUTHIER_WRITE"

// codeTitles are the headings of docs/failures.md, in order.
var codeTitles = []struct {
	code  int
	title string
}{
	{exitUsage, "usage or config"}, {exitData, "data, tokenizer or model file"}, {exitAdapter, "no usable adapter"}, {exitMemory, "out of memory, planned or real"},
	{exitDiverged, "diverged"}, {exitLost, "device lost"}, {exitCheckpoint, "checkpoint does not match or is damaged"}, {exitInterrupted, "interrupted, after saving"},
	{exitOther, "another failure"},
}

const docHead = `# When things go wrong

What luthier prints on standard error behind ` + "`luthier: `" + `, and the code it exits with, for every failure that ` + "`cmd/luthier/failures_test.go`" + `
provokes. That test wrote this page and holds it against what it sees. A run that is refused leaves no file behind, and nothing is allocated
on the device before the memory plan fits. After a failure in the middle of a run the last checkpoint is whole: ` + "`--resume`" + ` goes on from it.
`

const docLost = `A driver that was reset or a device that was unplugged. The message names the work that was lost and adds: go on with --resume; if it
happens again, try a smaller --batch-size or --max-length, or another --device. No command line provokes it; the tests of
` + "`backend/webgpu`" + ` do, by destroying a buffer behind the device's back.
`

// told collects what failures printed.
type told map[int][]string

// varying is what differs from run to run in a message.
var varying = regexp.MustCompile(`process \d+|checkpoint-\d+: not written`)

func (d told) add(f failure, msg string) {
	msg = varying.ReplaceAllStringFunc(strings.TrimPrefix(msg, "luthier: "), func(s string) string {
		return regexp.MustCompile(`\d+`).ReplaceAllString(s, "N")
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
	for _, c := range codeTitles {
		fmt.Fprintf(&b, "\n## %d: %s\n\n", c.code, c.title)
		if c.code == exitLost {
			b.WriteString(docLost)
			continue
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
