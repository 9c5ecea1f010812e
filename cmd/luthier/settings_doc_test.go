package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const settingsHead = `# Settings by other names

Written from the tables of ` + "`cmd/luthier`" + ` (` + "`LUTHIER_WRITE=1 go test ./cmd/luthier -run TestSettingsPage`" + `, part of ` + "`make docs`" + `), and held against them by a
test. The settings themselves: ` + "`luthier train --help`" + `, with ` + "`--method NAME --optim NAME`" + ` for those of other methods and optimizers, or
[methods.md](methods.md). Every name may be written with _ or -, as a flag or as a key of ` + "`--config`" + `.
`

// settingsPage is docs/settings.md.
func settingsPage() string {
	var b strings.Builder
	table := func(title, text, head string, rows []string) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| %s |\n|---|---|\n", title, text, head)
		for _, r := range rows {
			fmt.Fprintf(&b, "| %s |\n", r)
		}
	}
	b.WriteString(settingsHead)
	var rows []string
	for _, own := range slices.Sorted(maps.Keys(aliases)) {
		rows = append(rows, fmt.Sprintf("`--%s` | `%s`", own, strings.Join(aliases[own], "`, `")))
	}
	table("Other names", "Names of transformers, PEFT, TRL, Axolotl, LLaMA-Factory and mlx-lm that set the same.", "setting | other names", rows)
	rows = nil
	for _, name := range slices.Sorted(maps.Keys(noEffect)) {
		rows = append(rows, fmt.Sprintf("`%s` | %s", name, noEffect[name]))
	}
	table("Accepted without effect", "A run that is given one says so, and why.", "name | why", rows)
	rows = nil
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		r := refused[name]
		about := r.text
		if fine := slices.DeleteFunc(slices.Clone(r.fine), func(s string) bool {
			return slices.Contains(off, s) && s != "null" || slices.Contains(r.fine, "false") && s == "null"
		}); len(fine) > 0 {
			about += fmt.Sprintf(" (accepted: `%s`)", strings.Join(fine, "`, `"))
		}
		if strings.HasSuffix(name, "-") {
			name += "*"
		}
		rows = append(rows, fmt.Sprintf("`%s` | %s", name, about))
	}
	table("Refused", "Where switching it off is what luthier does anyway, the values false, none, null, no and 0 are accepted.", "name | what to do", rows)
	rows = nil
	for _, name := range slices.Sorted(maps.Keys(verbs)) {
		rows = append(rows, fmt.Sprintf("`%s` | %s", name, verbs[name]))
	}
	table("Commands of other tools", "Refused, with the way to what they do.", "command | here", rows)
	return b.String()
}

// docs/settings.md is what the tables say.
func TestSettingsPage(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "settings.md")
	if os.Getenv(writeEnv) == "1" {
		require.NoError(t, os.WriteFile(path, []byte(settingsPage()), 0o644))
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, settingsPage(), string(raw), "docs/settings.md is stale: %s=1 go test ./cmd/luthier -run TestSettingsPage", writeEnv)
}
