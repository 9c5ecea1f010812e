package docs

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// notice heads every file that is generated as a whole.
const notice = "<!-- written by go run ./internal/docs/cmd from the registries: edit those -->\n\n"

// table is a Markdown table.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(strings.ReplaceAll(c, "|", `\|`), "\n", " ")
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		line(r)
	}
	return b.String()
}

// flags lists the flags that add registers, in the order of the code.
func flags(add func(*pflag.FlagSet)) string {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
	add(f)
	var rows [][]string
	f.VisitAll(func(x *pflag.Flag) {
		rows = append(rows, []string{code("--" + x.Name), shown(x), x.Usage})
	})
	if len(rows) == 0 {
		return "No settings.\n"
	}
	return table([]string{"flag", "default", "meaning"}, rows)
}

// shown is a default value as a reader takes it: empty ones are a dash.
func shown(x *pflag.Flag) string {
	switch x.DefValue {
	case "", "[]":
		return "-"
	}
	return code(x.DefValue)
}

func code(s string) string { return "`" + s + "`" }

// list puts every element in code style, commas between.
func list(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = code(n)
	}
	return strings.Join(out, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
