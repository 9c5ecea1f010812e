package graph

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"luthier/backend/ref"
)

// A dump shows every stage, every storage of the plan and every dispatch, and its page carries the same data.
func TestDump(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "07-old.txt"), nil, 0o666))
	d, err := NewDump(dir)
	require.NoError(t, err)
	r := NewRandomGraph(New(), 21, false)
	r.Train()
	dev := ref.New()
	x, err := Prepare(r.Graph, dev.Info(), dev.Limits(), Options{Trace: d.Trace, Recompute: true})
	require.NoError(t, err)
	require.NoError(t, d.Draft(x))
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(b)
	}
	files, err := filepath.Glob(filepath.Join(dir, "[0-9]*.txt"))
	require.NoError(t, err)
	require.Len(t, files, len(passes)+2)
	last := text("09-lowered.txt")
	require.Equal(t, len(x.Graph.calls)+1, strings.Count(last, "\n"))
	for _, c := range x.Graph.calls {
		require.Contains(t, last, c.String())
		require.Contains(t, last, "graph/random_graph_test.go:")
	}
	require.Equal(t, len(x.low.cmds)+1, strings.Count(text("dispatches.txt"), "\n"))
	require.Len(t, regexp.MustCompile(`\d+-\d+ +\S`).FindAllString(text("plan.txt"), -1), len(x.Plan.Items))

	page := text("timeline.html")
	require.NotRegexp(t, `src=|href=|@import`, page, "the page must stand alone")
	data := regexp.MustCompile(`(?m)^const D = (.*);$`).FindStringSubmatch(page)
	require.NotNil(t, data)
	var p dumpPage
	require.NoError(t, json.Unmarshal([]byte(data[1]), &p))
	require.Len(t, p.Commands, len(x.low.cmds))
	require.Len(t, p.Stages, len(passes)+2)
}

func TestDumpChanges(t *testing.T) {
	lines := func(s string) (out []dumpLine) {
		for _, w := range strings.Fields(s) {
			out = append(out, dumpLine{Text: w})
		}
		return out
	}
	changes := func(ls []dumpLine) (out []string) {
		for _, l := range ls {
			out = append(out, l.Text+l.Change)
		}
		return out
	}
	a, b, c := lines("a b c d e"), lines("a c x b d"), lines("a c b d")
	markChanges(a, b)
	markChanges(b, c)
	require.Equal(t, []string{"a", "b", "c", "d", "edel"}, changes(a))
	require.Equal(t, []string{"a", "cmove", "xboth", "b", "d"}, changes(b))
	require.Equal(t, []string{"a", "c", "b", "d"}, changes(c))
}

// An unwritable directory is an error, early or at the end.
func TestDumpErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	_, err := NewDump(file)
	require.ErrorContains(t, err, "graph dump")
}
