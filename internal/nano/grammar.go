package nano

import (
	"embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed words/*.txt
var files embed.FS

// grammar is the parsed content of words/.
type grammar struct {
	lists  map[string][]string // name -> alternatives, words or templates
	tables map[string]*table
}

// table is a set of rows found by their first column.
type table struct {
	columns []string // without the first
	keys    []string // in file order
	rows    map[string]map[string]string
}

// loaded parses the embedded files once. They are part of the program, so a
// mistake in them is a bug and panics; the tests walk every template.
var loaded = sync.OnceValue(func() *grammar {
	g := &grammar{lists: map[string][]string{}, tables: map[string]*table{}}
	for _, name := range []string{"opinions", "domains", "lists"} {
		g.addWords(lines(name))
	}
	for _, name := range []string{"reviews", "stories", "facts", "letters"} {
		g.addTemplates(lines(name))
	}
	g.addTables(lines("tables"))
	return g
})

// lines returns the lines of words/name.txt without blanks and comments.
func lines(name string) []string {
	b, err := files.ReadFile("words/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// addWords reads "name: a, b, c".
func (g *grammar) addWords(lines []string) {
	for _, line := range lines {
		name, rest, ok := strings.Cut(line, ":")
		if !ok {
			panic(fmt.Sprintf("nano: no colon in %q", line))
		}
		var words []string
		if rest = strings.TrimSpace(rest); rest != "" {
			words = strings.Split(rest, ", ")
		}
		g.lists[name] = words
	}
}

// addTemplates reads "name: template" and, after a tab, further templates of
// that name.
func (g *grammar) addTemplates(lines []string) {
	name := ""
	for _, line := range lines {
		text, more := strings.CutPrefix(line, "\t")
		if !more {
			var ok bool
			if name, text, ok = strings.Cut(line, ": "); !ok {
				panic(fmt.Sprintf("nano: no colon in %q", line))
			}
		}
		g.lists[name] = append(g.lists[name], text)
	}
}

// addTables reads "@name | column | ..." and the rows below it.
func (g *grammar) addTables(lines []string) {
	var t *table
	for _, line := range lines {
		cells := strings.Split(line, " | ")
		if name, ok := strings.CutPrefix(cells[0], "@"); ok {
			t = &table{columns: cells[1:], rows: map[string]map[string]string{}}
			g.tables[name] = t
			continue
		}
		if len(cells) != len(t.columns)+1 {
			panic(fmt.Sprintf("nano: %d cells in %q, want %d", len(cells), line, len(t.columns)+1))
		}
		row := map[string]string{}
		for i, c := range t.columns {
			row[c] = cells[i+1]
		}
		t.keys = append(t.keys, cells[0])
		t.rows[cells[0]] = row
	}
}
